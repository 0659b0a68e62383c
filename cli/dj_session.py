"""`musicspace dj session`: a whole set, planned."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.console import out as stdout
from cli.console import print_json
from cli.dj_tables import clock, set_as_json, show_set, text_of
from core.errors import PermanentError

EXIT_FAILED = 1

E = TypeVar("E", bound=StrEnum)


def session(
    index_dir: Annotated[Path, typer.Option("--index-dir", metavar="DIR", help="The folder of the index.")],
    minutes: Annotated[float, typer.Option(min=1, max=1440, help="How long the set should be.")] = 30,
    arc: Annotated[
        str, typer.Option(metavar="steady|build|release|build-peak-release|wave", help="The course of the energy.")
    ] = "build-peak-release",
    start: Annotated[str | None, typer.Option(metavar="FILE|ID", help="The first track.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="SET.m3u8", help="Also write the set as a playlist.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --out replace a file.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives another set.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan a set: which tracks, when each comes in, at which tempo, and how the energy moves."""
    from models.dj.arcs import Arc
    from services.dj.session_recommender import SessionRecommender
    from services.dj.set_files import Entry, require_new_file, write_m3u8

    course = chosen(Arc, arc)
    if out is not None:
        require_new_file(out, force=force)
    tracks = SessionRecommender(index_dir).plan(minutes, course, start, seed)
    if out is not None:
        write_m3u8(out, [Entry(track.file, track.duration_s) for track in tracks])
    total_s = max((track.step.starts_s + track.step.plays_s for track in tracks), default=0.0)
    if as_json:
        print_json({"arc": course, "minutes": round(total_s / 60, 2), "tracks": set_as_json(tracks)})
    else:
        show_set(tracks, f"{course}, {clock(total_s)}, {len(tracks)} tracks")
        if out is not None:
            stdout.print(f"Written to {text_of(out)}.", soft_wrap=True)
    if not tracks:
        raise typer.Exit(EXIT_FAILED)


def chosen(kind: type[E], name: str) -> E:
    """A word of a list; raises `PermanentError` (`invalid-option`) for another one."""
    try:
        return kind(name)
    except ValueError:
        raise PermanentError("invalid-option", f"{name!r} is none of {', '.join(kind)}.") from None
