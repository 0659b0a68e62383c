"""`musicspace models usage`: how much the models of users take."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out, print_json

if TYPE_CHECKING:
    from services.personal.usage import Growth, KindUsage, Usage


def usage(
    top: Annotated[int, typer.Option(min=0, max=1000, help="How many of the largest users.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how many models of users there are, what they take, since when they lie unused, and how they grow."""
    from cli.servers import connected
    from db.engine import open_session
    from services.personal.usage import read_usage

    with connected() as settings, open_session(settings.required_database_url) as session:
        usage = read_usage(session, top=top)
    if as_json:
        print_json(asdict(usage))
    else:
        _show(usage)


def _show(usage: "Usage") -> None:
    from rich.table import Table

    table = Table(
        *("kind", "models", "serving", "for roll-back", "being removed", "bytes", "oldest", "unused since"),
        title="Models of users",
    )
    for kind in usage.kinds:
        table.add_row(*_row(kind))
    out.print(table)
    out.print(f"{usage.models:,} models of {usage.users:,} users, {usage.size_bytes:,} bytes.")
    for growth in usage.growth:
        out.print(_growth(growth))
    for user in usage.top_users:
        out.print(f"  user {user.user_id}: {user.size_bytes:,} bytes in {user.models:,} models")


def _row(kind: "KindUsage") -> list[str]:
    counts = (kind.models, kind.serving, kind.previous, kind.deleting, kind.size_bytes)
    return [kind.kind, *(f"{n:,}" for n in counts), _day(kind.oldest_trained_at), _day(kind.oldest_used_at)]


def _growth(growth: "Growth") -> str:
    if growth.since is None:
        return f"Growth over {growth.days} days: not known yet; the nightly clean-up counts."
    return f"Growth since {growth.since}: {growth.models:+,} models, {growth.size_bytes:+,} bytes."


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"
