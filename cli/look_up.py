"""`musicspace look-up`: ask providers about the tracks whose features are inferred."""

from typing import Annotated

import typer

from cli.console import out, print_json

EXIT_FAILED = 1


def look_up(
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="Most US dollars that this may cost; the day's budget holds in any case."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all answers are in.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Ask providers about every track with an inferred feature: ReccoBeats by Spotify id, then Gemini.

    Paid calls go to the tracks that are expected to gain most; `musicspace providers plan` shows how many those are.
    Tracks keep the values they have until an answer comes.
    """
    from cli.jobs import describe
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.job_control import get_job
    from services.look_ups.planning import require_provider, start_look_ups
    from tasks.publishing import ring

    with connected() as settings:
        require_provider(settings)
        with open_session(settings.required_database_url) as session:
            job_id, enqueued = start_look_ups(session, settings, budget_usd=budget)
            session.commit()
            job = None if job_id is None else get_job(session, job_id)
        ring(settings)
        if job is not None and wait:
            job = complete_job(settings, job.id, quiet=as_json)
    if as_json:
        print_json(None if job is None else describe(job))
    elif job is None:
        out.print("There is nothing to ask: every track was looked up, or none is worth the money that is left today.")
    else:
        out.print(f"Job {job.id} {job.state}: {job.done:,} of {job.total:,} tracks looked up, {enqueued:,} at first.")
    if job is not None and wait and job.state != "done":
        raise typer.Exit(EXIT_FAILED)
