"""`musicspace recommend`: what a user may like, and why."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import logs_to_stderr, out, print_json
from core.errors import PermanentError
from core.user_models import ModelKind

if TYPE_CHECKING:
    from services.personal.answers import Answer


def recommend(
    user: Annotated[int, typer.Argument(metavar="USER", help="The id of the user.", min=1)],
    model: Annotated[
        str | None, typer.Option(metavar="m1|m2|m3", help="Ask one model alone. Default: all, merged.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most tracks to show.")] = 20,
    diversity: Annotated[
        float | None, typer.Option(min=0, max=1, help="Default: MUSICSPACE_RECOMMEND__DIVERSITY.")
    ] = None,
    genre: Annotated[list[str] | None, typer.Option(help="Only tracks of this genre; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a user may like, and why: nothing that they have in a playlist or dislike."""
    from cli.servers import connected
    from db.engine import open_session
    from services.personal.recommending import recommend as recommend_tracks
    from services.personal.wishes import Wish

    logs_to_stderr()
    kinds = _kinds(model)
    wish = Wish(limit, diversity=diversity, genres=genre or ())
    with connected() as settings, open_session(settings.required_database_url) as session:
        answer = recommend_tracks(session, settings, user, wish, kinds)
        session.commit()
    if as_json:
        print_json(_as_json(answer))
    else:
        _show(answer)


def _kinds(model: str | None) -> tuple[ModelKind, ...]:
    if model is None:
        return tuple(ModelKind)
    if model not in list(ModelKind):
        raise PermanentError("invalid-option", f"--model must be {', '.join(ModelKind)}, not {model!r}.")
    return (ModelKind(model),)


def _as_json(answer: "Answer") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(answer)


def _show(answer: "Answer") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("", "id", "artist", "title", "why", box=SIMPLE_HEAD)
    for place, track in enumerate(answer.tracks, start=1):
        why = "; ".join(reason.text for reason in track.reasons)
        table.add_row(str(place), str(track.track_id), track.artist, track.title, why)
    if answer.tracks:
        out.print(table)
    else:
        out.print(f"Nothing to recommend: {answer.candidates:,} tracks are left to choose among.")
    for kind, own in answer.models.items():
        version = f" {own.version}" if own.version else ""
        out.print(f"{kind.upper()} {own.state}{version}{f': {own.reason}' if own.reason else ''}")
