"""`musicspace models cleanup` and `musicspace models rollback-user`: the life of models of users."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import logs_to_stderr, out, print_json, progress_bar, steps_on
from core.ids import MAX_ID
from core.user_models import ModelKind

if TYPE_CHECKING:
    from services.personal.cleanup_report import CleanUpReport

_SHOWN_PATHS = 20

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def cleanup(
    unused_days: Annotated[
        int | None,
        typer.Option(
            min=1, help="Remove models nobody used for so many days. Default: MUSICSPACE_PERSONAL__UNUSED_DAYS."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    allow_unrelated: Annotated[
        bool, typer.Option("--allow-unrelated", help="Go on although database and storage have no model in common.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove models of users that nobody used for long, and what crashes left behind.

    A model that is used while this runs stays. Interrupt it at any time; the next run goes on.
    """
    from cli.servers import connected
    from db.engine import open_session
    from services.personal.cleanup import CleanUp, clean_up
    from services.personal.cleanup_report import CleanUpReport
    from services.personal.life import storage_of
    from services.personal.usage import snapshot_day

    with connected() as settings, progress_bar(quiet=as_json) as progress:
        days = settings.personal.unused_days if unused_days is None else unused_days
        plan = CleanUp(storage_of(settings), days, dry_run, allow_unrelated, steps_on(progress))
        report = CleanUpReport(dry_run, days)
        with open_session(settings.required_database_url) as session:
            for finding in clean_up(session, plan):
                session.commit()
                report.add(finding)
            if not dry_run:
                snapshot_day(session, report.removed_by_kind())
                session.commit()
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)


def rollback_user(
    user: Annotated[int, typer.Argument(metavar="USER", min=1, max=MAX_ID, help="The platform's id of the user.")],
    kind: Annotated[ModelKind, typer.Argument(metavar="KIND", help="m1, m2 or m3.")],
    as_json: AsJson = False,
) -> None:
    """Let a user's model from before the last training serve again. A second time undoes it."""
    from cli.servers import connected
    from db.engine import open_session
    from services.personal.life import roll_back, storage_of

    logs_to_stderr()
    with connected() as settings, open_session(settings.required_database_url) as session:
        row = roll_back(session, storage_of(settings), user, kind)
        session.commit()
    if as_json:
        print_json(asdict(row))
    else:
        out.print(f"{kind} {row.version} of user {user} serves again.")


def _show(report: "CleanUpReport") -> None:
    from services.personal.cleanup import Found

    for what in Found:
        findings = report.of(what)
        if not findings:
            continue
        size = sum(finding.size_bytes for finding in findings)
        out.print(f"{len(findings):,} {what}" + (f" ({size:,} bytes)" if size else ""))
        # Unused models are what this is for; all else is worth a look.
        shown = [] if what in {Found.UNUSED, Found.MARKED} else findings[:_SHOWN_PATHS]
        for finding in shown:
            out.print(f"  {finding.path}", soft_wrap=True)
        if shown and len(findings) > len(shown):
            out.print(f"  and {len(findings) - len(shown):,} more (`--json` lists them all)")
    verb = "would be" if report.dry_run else "were"
    out.print(f"{report.freed_bytes:,} bytes {verb} freed; models unused for {report.unused_days} days go.")
