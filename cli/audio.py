"""`musicspace audio ...`: find audio files, listen to them, tell what was heard."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import err, out, print_json, progress_bar
from core.ids import MAX_ID
from core.work import JobKind

if TYPE_CHECKING:
    from core.settings import Settings
    from db.repositories.jobs import JobProgress
    from services.importing import ImportSummary
    from services.playlists.reader import PlaylistFile

EXIT_FAILED = 1
_SHOWN_FAILURES, _MAX_FAILURES = 50, 100_000

audio_app = typer.Typer(help="Find audio files, listen to them, tell what was heard.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until everything is analyzed.")]


@audio_app.command()
def scan(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of audio files within MUSICSPACE_AUDIO__ROOTS.")
    ],
    user: Annotated[
        int, typer.Option("--user", min=1, max=MAX_ID, help="The platform's id of the user who owns the playlist.")
    ] = 1,
    playlist: Annotated[
        str | None, typer.Option("--playlist", help="Name of the playlist. Default: the folder's.")
    ] = None,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Import the audio files of a folder, by their tags or names, fill their features and listen to them.

    Scanning again adds what is new; files that were moved are found again. What cannot be analyzed is no error of the
    command: `musicspace audio status --failed` lists it.
    """
    from cli.servers import connected
    from cli.watching import complete_job
    from core.settings import get_settings
    from services.audio_analysis.scanning import read_folder

    own = get_settings()
    with progress_bar(quiet=as_json) as progress:
        bar = progress.add_task("Reading tags", total=None, note="")
        files = read_folder(
            folder, own.audio, own.imports, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    with connected() as settings:
        summary, moved = _store(settings, files, user, playlist or files.name or folder.name)
        result: dict[str, Any] = {**asdict(summary), "moved": moved}
        if wait:
            analyzed = None
            if summary.analyze_job is not None:
                analyzed = complete_job(settings, summary.analyze_job, quiet=as_json, along=[JobKind.IMPORT])
                result["analysis"] = _outcome(settings, analyzed)
            result["state"] = _state(complete_job(settings, summary.job_id, quiet=as_json), analyzed)
    if as_json:
        print_json(result)
    else:
        _show_scan(result, files)
    if wait and result["state"] != "done":
        raise typer.Exit(EXIT_FAILED)


@audio_app.command()
def analyze(
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also listen again to files that could not be analyzed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Listen to every file again, e.g. after a change of intro or outro lengths.")
    ] = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Listen to the audio of every track that has any. Files that did not change cost a look at their date.

    A run that is still going is joined, not doubled.
    """
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.audio_analysis.jobs import require_audio, start_analysis
    from services.audio_analysis.work_plan import Mode
    from services.job_control import get_job
    from tasks.publishing import ring

    mode = Mode.ALL if everything else Mode.RETRY_FAILED if retry_failed else Mode.CHANGED
    with connected() as settings:
        require_audio(settings.audio)
        with open_session(settings.required_database_url) as session:
            job_id, created = start_analysis(session, settings.audio, mode=mode)
            session.commit()
            job = get_job(session, job_id)
        ring(settings)
        if wait:
            job = complete_job(settings, job_id, quiet=as_json)
        outcome = _outcome(settings, job)
    if as_json:
        print_json({**outcome, "created": created})
    else:
        _show_outcome(outcome)
    if wait and job.state != "done":
        raise typer.Exit(EXIT_FAILED)


@audio_app.command()
def status(
    failed: Annotated[
        bool, typer.Option("--failed", help="List the tracks whose audio could not be analyzed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell how many tracks have audio, how many are analyzed, and why others are not."""
    from cli.servers import connected
    from db.engine import open_session
    from db.repositories.audio_reports import list_failures
    from services.audio_analysis.jobs import audio_status

    with connected() as settings, open_session(settings.required_database_url) as session:
        counts = audio_status(session)
        failures = list_failures(session, _MAX_FAILURES if as_json else _SHOWN_FAILURES) if failed else None
    if as_json:
        print_json(counts if failures is None else {**counts, "failures": failures})
        return
    out.print(
        f"{counts['tracks']:,} tracks have audio: {counts['analyzed']:,} analyzed, {counts['lacking']:,} lacking."
    )
    for code, n in counts["failed_by_code"].items():
        out.print(f"  {n:,} failed: {code}")
    for space, n in counts["embedded_by_space"].items():
        out.print(f"  {n:,} embedded by {space}")
    if counts["waiting"]:
        out.print(f"{counts['waiting']:,} are waiting or running.")
    for failure in failures or ():
        out.print(f"track {failure['track_id']} {failure['uri']}: {failure['error_code']}: {failure['error_message']}")


@audio_app.command()
def show(
    track: Annotated[int, typer.Argument(min=1, max=MAX_ID, metavar="TRACK", help="The number of the track.")],
    as_json: AsJson = False,
) -> None:
    """Show what was heard in the audio of one track."""
    from cli.servers import connected
    from core.errors import PermanentError
    from db.engine import open_session
    from db.repositories.audio_reports import get_audio

    with connected() as settings, open_session(settings.required_database_url) as session:
        audio = get_audio(session, track)
    if audio is None:
        raise PermanentError("not-found", f"There is no track {track}.")
    if as_json:
        print_json(audio)
    else:
        _show_track(audio)


def _store(settings: "Settings", files: "PlaylistFile", user: int, name: str) -> "tuple[ImportSummary, int]":
    """Import the files and start their analysis, in one transaction; also how many known tracks have moved."""
    from db.engine import open_session
    from services.audio_analysis.scanning import import_files
    from tasks.publishing import ring

    with (
        err.status(f"Importing {len(files.rows):,} tracks"),
        open_session(settings.required_database_url) as session,
    ):
        stored = import_files(session, files, settings, user_id=user, name=name)
        session.commit()
    ring(settings)
    return stored


def _outcome(settings: "Settings", job: "JobProgress") -> dict[str, Any]:
    """The job and what became of its tracks."""
    from cli.jobs import describe
    from db.engine import open_session
    from db.repositories.audio_reports import sum_results

    with open_session(settings.required_database_url) as session:
        return {**describe(job), "outcome": sum_results(session, job.id)}


def _state(enriched: "JobProgress", analyzed: "JobProgress | None") -> str:
    states = [str(job.state) for job in (enriched, analyzed) if job is not None]
    return next((state for state in states if state != "done"), "done")


def _show_scan(result: dict[str, Any], files: "PlaylistFile") -> None:
    out.print(
        f"{result['playlist']}: {files.n_rows:,} files, {result['new_tracks']:,} new tracks, "
        f"{result['known_tracks']:,} known, {result['moved']:,} moved."
    )
    for reason, n in result["rejects"].items():
        out.print(f"  {n:,} files left out: {reason}")
    if "analysis" in result:
        _show_outcome(result["analysis"])
    elif result["analyze_job"] is not None:
        out.print(f"Job {result['analyze_job']} listens to them: musicspace job watch {result['analyze_job']}")
    else:
        out.print("All of them are analyzed.")


def _show_outcome(job: dict[str, Any]) -> None:
    counts = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in job["outcome"].items() if n)
    out.print(f"Job {job['id']} {job['state']}: {job['done']:,} of {job['total']:,} tracks; {counts or 'nothing yet'}.")


def _show_track(audio: dict[str, Any]) -> None:
    out.print(f"Track {audio['id']}: {audio['artist']} - {audio['title']} ({audio['audio_uri'] or 'no audio'})")
    analysis = audio["analysis"]
    if analysis is None:
        out.print("Not analyzed: `musicspace audio analyze` does it.")
    elif analysis["error_code"] is not None:
        out.print(f"Not analyzed: {analysis['error_code']}: {analysis['error_message']}")
    else:
        _show_description(analysis["description"], analysis["spaces"])


def _show_description(description: dict[str, Any], spaces: list[str]) -> None:
    from dataclasses import fields

    from core.audio import Texture
    from core.audio_words import describe_key, describe_tempo

    texture, intro, outro = description["texture"], description["intro"], description["outro"]
    out.print(f"  tempo      {describe_tempo(description['tempo'])}")
    out.print(f"  key        {describe_key(description['key'])}")
    out.print(f"  loudness   {description['loudness_lufs']:.1f} LUFS, {description['duration_s']:.1f} s long")
    names = [field.name for field in fields(Texture)]
    out.print("  texture    " + ", ".join(f"{name.replace('_', ' ')} {texture[name]:.2f}" for name in names))
    out.print(f"  mixability intro {intro['mixability']:.2f}, outro {outro['mixability']:.2f}")
    out.print(f"  embedded   {', '.join(spaces) or 'no'}")
