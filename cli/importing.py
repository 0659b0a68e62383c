"""`musicspace import`: a playlist file becomes tracks, and their features are filled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import err, out, print_json
from core.ids import MAX_ID

if TYPE_CHECKING:
    from core.settings import Settings
    from services.importing import ImportSummary
    from services.playlists.rejects import Reject

EXIT_FAILED = 1


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A playlist: Exportify or plain CSV, JSON, M3U.")],
    user: Annotated[
        int, typer.Option("--user", min=1, max=MAX_ID, help="The platform's id of the user who owns the playlist.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="Name of the playlist. Default: the file's.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the features are filled.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import a playlist and fill the audio features of its tracks.

    Rows that cannot be used are reported in FILE.rejects.csv; all others are imported. Importing a file again adds
    nothing. Exit code 1 tells that some tracks could not be enriched.
    """
    from cli.servers import connected
    from core.settings import get_settings
    from services.playlists.reader import NoUsableRowsError, read_playlist

    try:
        playlist = read_playlist(file, get_settings().imports)
    except NoUsableRowsError as error:
        _report_rejects(file, error.rejects)
        raise
    rejects_file = _report_rejects(file, playlist.rejects)
    with connected() as settings:
        summary = store(settings, playlist, user, name or playlist.name or file.stem)
        job = _wait(settings, summary, quiet=as_json) if wait else None
    result = _result(summary, rejects_file, job)
    if as_json:
        print_json(result)
    else:
        _show(result)
    if job is not None and job["state"] != "done":
        raise typer.Exit(EXIT_FAILED)


def store(settings: "Settings", playlist: Any, user: int, name: str) -> "ImportSummary":
    """Import parsed rows in one transaction, then tell the workers."""
    from db.engine import open_session
    from services.importing import import_playlist
    from tasks.publishing import ring

    with (
        err.status(f"Importing {len(playlist.rows):,} tracks"),
        open_session(settings.required_database_url) as session,
    ):
        summary = import_playlist(
            session,
            playlist,
            user_id=user,
            name=name,
            predictor=settings.enrich.predictor,
            chunk_size=settings.enrich.chunk_size,
            look_up=True,
            audio=settings.audio,
        )
        session.commit()
    ring(settings)
    return summary


def _wait(settings: "Settings", summary: "ImportSummary", *, quiet: bool) -> dict[str, Any]:
    """Follow the import's job, and those jobs of others that enrich some of its tracks."""
    from cli.jobs import describe
    from cli.watching import complete_job

    for shared in summary.shared_jobs:
        complete_job(settings, shared, quiet=quiet)
    return describe(complete_job(settings, summary.job_id, quiet=quiet))


def _report_rejects(file: Path, rejects: "list[Reject]") -> Path | None:
    from services.playlists.rejects import write_rejects

    target = file.with_name(f"{file.name}.rejects.csv")
    try:
        if not rejects:
            target.unlink(missing_ok=True)  # left there by an earlier, worse version of the file
            return None
        write_rejects(target, rejects)
    except OSError as error:
        err.print(f"The rejects file {target} cannot be written ({error.strerror}); the counts are in the job.")
        return None
    return target


def _result(summary: "ImportSummary", rejects_file: Path | None, job: dict[str, Any] | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(summary), "rejects_file": rejects_file and str(rejects_file), "job": job}


def _show(result: dict[str, Any]) -> None:
    out.print(
        f"{result['playlist']}: {result['rows']:,} rows, {result['new_tracks']:,} new tracks, "
        f"{result['known_tracks']:,} known, {result['added_to_playlist']:,} added to the playlist.",
    )
    if result["rejected"]:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in result["rejects"].items())
        where = f"; see {result['rejects_file']}" if result["rejects_file"] else ""
        out.print(f"{result['rejected']:,} rows left out: {reasons}{where}.")
    if result["measured"]:
        out.print(f"{result['measured']:,} tracks came with measured features.")
    job = result["job"]
    look_up_job = job and job["summary"].get("look_up_job")
    if look_up_job:
        out.print(f"Job {look_up_job} asks providers about these tracks: musicspace job watch {look_up_job}")
    if result["analyze_job"]:
        follow = f"musicspace job watch {result['analyze_job']}"
        out.print(f"Job {result['analyze_job']} listens to the audio of these tracks: {follow}")
    if job is None:
        out.print(
            f"Job {result['job_id']} fills {result['enqueued']:,} tracks: musicspace job watch {result['job_id']}"
        )
        return
    rate = f" ({job['rate_per_s']:,.0f} tracks/s)" if job["rate_per_s"] else ""
    out.print(f"Job {job['id']} {job['state']}: {job['done']:,} of {job['total']:,} tracks enriched{rate}.")
    for code, n in job["errors"].items():
        out.print(f"  {n:,} work items failed: {code}")
