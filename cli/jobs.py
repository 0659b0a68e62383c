"""`musicspace job ...`: list, show, watch, cancel, retry, replay."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import out, print_json
from core.ids import MAX_ID
from core.work import JobKind

if TYPE_CHECKING:
    from db.repositories.jobs import JobProgress

EXIT_FAILED = 1

job_app = typer.Typer(help="Look at jobs and steer them.", no_args_is_help=True)

JobId = Annotated[
    int,
    typer.Argument(min=1, max=MAX_ID, metavar="JOB", help="The number of the job; `musicspace job list` shows them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def describe(job: "JobProgress") -> dict[str, Any]:
    """The job as a JSON object."""
    return asdict(job)


@job_app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest jobs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs."""
    from cli.servers import connected
    from db.engine import open_session
    from db.repositories.jobs import list_jobs

    with connected() as settings, open_session(settings.required_database_url) as session:
        jobs = list_jobs(session, limit=limit)
    if as_json:
        print_json([describe(job) for job in jobs])
        return
    from rich.table import Table

    table = Table("job", "kind", "state", "tracks", "done", "failed items", "created", title="Jobs")
    for job in jobs:
        created = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
        failed = str(sum(job.errors.values()) or "")
        table.add_row(str(job.id), job.kind, job.state, f"{job.total:,}", f"{job.done:,}", failed, created)
    out.print(table)


@job_app.command()
def show(job: JobId, as_json: AsJson = False) -> None:
    """Show one job: progress, counts, errors, and the items in trouble."""
    from cli.servers import connected
    from db.engine import open_session
    from db.repositories.jobs import troubled_items
    from services.job_control import get_job, get_work_item

    with connected() as settings, open_session(settings.required_database_url) as session:
        progress = get_job(session, job)
        troubled = [get_work_item(session, item_id) for item_id in troubled_items(session, job)[:20]]
    result = {**describe(progress), "troubled_items": troubled}
    if as_json:
        print_json(result)
        return
    unit = _unit(progress)
    out.print(f"Job {progress.id} ({progress.kind}): {progress.state}")
    if progress.items:
        out.print(f"  {progress.done:,} of {progress.total:,} {unit}; items: {_counts(progress.items)}")
    if progress.rate_per_s and progress.kind != JobKind.TRAIN:
        out.print(
            f"  {progress.rate_per_s:,.0f} tracks/s" + (f", {progress.eta_s:,.0f} s left" if progress.eta_s else "")
        )
    for key, value in progress.summary.items():
        out.print(f"  {key}: {value}")
    for item in troubled:
        out.print(f"  work item {item['id']} {item['state']}: {item['error_code']}: {item['error_message']}")


@job_app.command()
def watch(job: JobId, as_json: AsJson = False) -> None:
    """Follow a job to its end, lending it a worker where none is at work. Exit code 1 unless it ends well."""
    from cli.servers import connected
    from cli.watching import complete_job

    with connected() as settings:
        progress = complete_job(settings, job, quiet=as_json)
    if as_json:
        print_json(describe(progress))
    else:
        out.print(f"Job {job} {progress.state}: {progress.done:,} of {progress.total:,} {_unit(progress)}.")
    if progress.state != "done":
        raise typer.Exit(EXIT_FAILED)


@job_app.command()
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """Cancel a job: nothing of it starts any more, and running work cannot commit."""
    from services import job_control

    cancelled = _change(lambda session: job_control.cancel(session, job))
    _tell(as_json, {"job": job, "cancelled": cancelled}, f"Job {job} cancelled; {cancelled:,} items ended.")


@job_app.command()
def retry(job: JobId, as_json: AsJson = False) -> None:
    """Queue the failed and quarantined items of a job again."""
    from services import job_control

    queued = _change(lambda session: job_control.retry(session, job))
    _tell(as_json, {"job": job, "queued": queued}, f"{queued:,} items of job {job} are queued again.")


@job_app.command()
def replay(
    item: Annotated[
        int,
        typer.Argument(min=1, max=MAX_ID, metavar="ITEM", help="The number of the work item; `job show` lists them."),
    ],
    as_json: AsJson = False,
) -> None:
    """Queue one failed or quarantined work item again."""
    from services import job_control

    replayed = _change(lambda session: job_control.replay(session, item))
    _tell(as_json, replayed, f"Work item {item} of job {replayed['job_id']} is queued again.")


def _change(action: Any) -> Any:
    """Run a change in its own transaction, then tell the workers."""
    from cli.servers import connected
    from db.engine import open_session
    from tasks.publishing import ring

    with connected() as settings:
        with open_session(settings.required_database_url) as session:
            result = action(session)
            session.commit()
        ring(settings)
    return result


def _tell(as_json: bool, result: Any, sentence: str) -> None:
    if as_json:
        print_json(result)
    else:
        out.print(sentence)


def _unit(job: "JobProgress") -> str:
    return "trainings" if job.kind == JobKind.TRAIN else "tracks"


def _counts(items: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {state}" for state, n in sorted(items.items()))
