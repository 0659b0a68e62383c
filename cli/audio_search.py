"""`musicspace audio search`: find tracks by words about their sound."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.console import logs_to_stderr, out, print_json


def search(
    words: Annotated[str, typer.Argument(metavar="TEXT", help='What it should sound like, e.g. "warm analog techno".')],
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=1_000, help="How many tracks.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the analyzed tracks that sound most like a text. Needs CLAP: no other embedder knows words."""
    from cli.servers import connected
    from db.engine import open_session
    from services.audio_analysis.embedders import open_embedder
    from services.audio_analysis.text_search import search_sound

    logs_to_stderr()
    with connected() as settings:
        embedder = open_embedder(settings.embed)
        with open_session(settings.required_database_url) as session:
            found = search_sound(session, embedder, words, top_k)
    if as_json:
        print_json([asdict(track) for track in found])
        return
    for track in found:
        out.print(f"{track.cosine:6.3f}  track {track.track_id}: {track.artist} - {track.title}")
