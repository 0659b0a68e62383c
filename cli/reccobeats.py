"""`musicspace providers analyze` and `musicspace providers tracks`: ReccoBeats by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, print_json

if TYPE_CHECKING:
    from core.providers import Gate
    from integrations.reccobeats import ReccoBeatsClient

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def analyze(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="WAV, FLAC, AIFF, Ogg or MP3; its first 30 s are sent.")],
    as_json: AsJson = False,
) -> None:
    """Send the first 30 seconds of an audio file to ReccoBeats and print the features that it measures."""
    from core.features import FEATURES

    with _asking(f"Analyzing {file.name}") as (client, gate):
        answer = client.analyze(file, gate)
    if as_json:
        print_json({"file": str(file), "features": dict(answer.features)})
        return
    for feature in FEATURES:
        if feature.name in answer.features:
            out.print(f"{feature.name:<17} {answer.features[feature.name]:>8.{feature.decimals}f} {feature.unit}")


def tracks(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Spotify ids, links or URIs; at most 40.")],
    as_json: AsJson = False,
) -> None:
    """Show what ReccoBeats calls the tracks of some Spotify ids: a check that values belong to the right recording."""
    from dataclasses import asdict

    from core.errors import PermanentError
    from core.identity import spotify_id
    from integrations.reccobeats import MAX_IDS

    wanted = [spotify_id(value) for value in ids]
    if None in wanted or len(ids) > MAX_IDS:
        wrong = [value for value, found in zip(ids, wanted, strict=True) if found is None]
        reason = f"{wrong[0]!r} is no Spotify id" if wrong else f"{len(ids)} ids are more than {MAX_IDS}"
        raise PermanentError("invalid-option", f"{reason}.")
    with _asking("Asking ReccoBeats") as (client, gate):
        found = client.tracks([each for each in wanted if each is not None], gate)
    if as_json:
        print_json({str(each): asdict(found[each]) if each in found else None for each in wanted if each is not None})
        return
    for each in wanted:
        track = found.get(each or "")
        what = "not known" if track is None else f"{', '.join(track.artists)} – {track.title}"
        out.print(f"{each}  {what}")


@contextmanager
def _asking(what: str) -> "Iterator[tuple[ReccoBeatsClient, Gate]]":
    """A client, and the gate that its calls have to pass."""
    from contextlib import closing

    from cli.servers import connected
    from core.providers import Provider
    from integrations.reccobeats import ReccoBeatsClient
    from services.look_ups.clients import require_enabled
    from tasks.provider_gate import ProviderGate

    with connected() as settings:
        require_enabled(settings, Provider.RECCOBEATS)
        with err.status(what), closing(ReccoBeatsClient(settings.reccobeats)) as client:
            yield client, ProviderGate(settings, Provider.RECCOBEATS)
