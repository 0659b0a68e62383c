"""`musicspace providers analyze`: have ReccoBeats measure an audio file."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import err, out, print_json


def analyze(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="WAV, FLAC, AIFF, Ogg or MP3; its first 30 s are sent.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send the first 30 seconds of an audio file to ReccoBeats and print the features that it measures."""
    from contextlib import closing

    from cli.servers import connected
    from core.features import FEATURES
    from core.providers import Provider
    from integrations.reccobeats import ReccoBeatsClient
    from services.look_ups.clients import require_enabled
    from tasks.provider_gate import ProviderGate

    with connected() as settings:
        require_enabled(settings, Provider.RECCOBEATS)
        with err.status(f"Analyzing {file.name}"), closing(ReccoBeatsClient(settings.reccobeats)) as client:
            answer = client.analyze(file, ProviderGate(settings, Provider.RECCOBEATS))
    if as_json:
        print_json({"file": str(file), "features": dict(answer.features)})
        return
    for feature in FEATURES:
        if feature.name in answer.features:
            out.print(f"{feature.name:<17} {answer.features[feature.name]:>8.{feature.decimals}f} {feature.unit}")
