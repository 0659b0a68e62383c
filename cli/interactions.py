"""`musicspace interactions`: what users did with tracks."""

import csv
import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, print_json, progress_bar, steps_on

if TYPE_CHECKING:
    from services.personal.event_loading import LoadReport

app = typer.Typer(help="What users did with tracks: plays, skips, likes.", no_args_is_help=True)


# A group of one command would else be that command.
@app.callback()
def _interactions() -> None: ...


@app.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON Lines in UTF-8, one event a line.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Load plays, skips, likes and dislikes from a file, as POST /api/interactions takes them.

    Columns, or names in each JSON object: event_id, user_id, kind (play, skip, like, dislike, unlike), occurred_at
    with a time zone, and track_id or spotify_id. An event counts once, by its user and event_id: interrupt it at any
    time, and run it again to go on. Lines that cannot be used are reported in FILE.rejects.csv; all others are stored.
    """
    from cli.servers import connected
    from core.errors import PermanentError
    from db.engine import open_session
    from services.personal.event_files import open_events
    from services.personal.event_loading import LoadReport, load_events

    opened = open_events(file)  # What is wrong with the file is said before a server starts.
    report = LoadReport(file.name, dry_run)
    with (
        connected() as settings,
        progress_bar(quiet=as_json) as progress,
        TemporaryFile("w+", encoding="utf-8", newline="") as rejects,
    ):
        writer = csv.writer(rejects)
        with open_session(settings.required_database_url) as session:
            for batch in load_events(session, opened, steps_on(progress), dry_run=dry_run):
                session.commit()
                report.add(batch)
                writer.writerows((each.line, each.reason, each.detail, each.text) for each in batch.rejects)
        rejects_file = _keep(rejects, file, report.rejected)
    if as_json:
        print_json({**asdict(report), "rejects_file": rejects_file and str(rejects_file)})
    else:
        _show(report, rejects_file)
    if report.rejected == report.lines:
        raise PermanentError("no-usable-rows", f"{file} has no usable line among {report.lines:,}.")


def _keep(rejects: IO[str], file: Path, count: int) -> Path | None:
    """Put rejects beside the file, where there are any; an interrupted load leaves those of the one before."""
    from core.durable_files import replacing

    target = file.with_name(f"{file.name}.rejects.csv")
    try:
        if not count:
            target.unlink(missing_ok=True)  # left there by an earlier, worse version of the file
            return None
        rejects.seek(0)
        with replacing(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as opened:
            opened.write("line,reason,detail,text\r\n")
            shutil.copyfileobj(rejects, opened)
    except OSError as error:
        err.print(f"The rejects file {target} cannot be written ({error.strerror}).", soft_wrap=True)
        return None
    return target


def _show(report: "LoadReport", rejects_file: Path | None) -> None:
    verb = "would be stored" if report.dry_run else "stored"
    out.print(
        f"{report.file}: {report.lines:,} lines, {report.accepted:,} events {verb}, "
        f"{report.duplicates:,} stored before or repeated.",
    )
    if report.rejected:
        where = f"; see {rejects_file}" if rejects_file else ""
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in report.rejects.items())
        out.print(f"{report.rejected:,} lines left out: {reasons}{where}.", soft_wrap=True)
