"""`musicspace similar`: tracks that resemble a track by artists, words, albums and genres."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import logs_to_stderr, out, print_json
from core.ids import MAX_ID

if TYPE_CHECKING:
    from services.personal.similar import SimilarTracks


def similar(
    track_id: Annotated[int, typer.Argument(min=1, max=MAX_ID, metavar="TRACK_ID", help="A track of the library.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most tracks to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the tracks of the library that resemble one most, and what they have in common with it."""
    from cli.servers import connected
    from db.engine import open_session
    from services.personal.similar import similar_tracks

    logs_to_stderr()
    with connected() as settings, open_session(settings.required_database_url) as session:
        found = similar_tracks(session, settings, track_id, limit)
    if as_json:
        from dataclasses import asdict

        print_json(asdict(found))
    elif not found.tracks:
        out.print(f"None of {found.library:,} tracks has a word in common with {found.artist} - {found.title}.")
    else:
        _show(found)


def _show(found: "SimilarTracks") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{found.artist} - {found.title}: the most similar of {found.library:,} tracks")
    table = Table("track", "artist", "title", "similarity", "in common", title=title, box=SIMPLE_HEAD)
    for track in found.tracks:
        names = (Text(track.artist), Text(track.title))
        table.add_row(str(track.track_id), *names, f"{track.similarity:.3f}", Text(", ".join(track.shared)))
    out.print(table)
