"""`musicspace enrich-all` and `musicspace enrich-status`."""

from typing import Annotated, Any

import typer

from cli.console import out, print_json

EXIT_FAILED = 1


def enrich_all(
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Instead renew the features that an older version predicted.")
    ] = False,
    inferred: Annotated[
        bool,
        typer.Option("--inferred", help="Instead renew all inferred features, e.g. after loading a reference table."),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the features are filled.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Fill the features of every track that lacks one. A run that is still going is joined, not doubled.

    With --outdated it renews, instead, every track with a feature that another predictor or an older version inferred;
    with --inferred every track with any inferred feature, which also looks for it in the reference table. Measured and
    looked-up values stay what they are.
    """
    from cli.jobs import describe
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.enrich_jobs import Scope, start_enrichment
    from services.job_control import get_job
    from tasks.publishing import ring

    if outdated and inferred:
        raise typer.BadParameter("--inferred renews the outdated ones, too; give one of the two.")
    scope = Scope.INFERRED if inferred else Scope.OUTDATED if outdated else Scope.LACKING
    with connected() as settings:
        with open_session(settings.required_database_url) as session:
            job_id, created = start_enrichment(session, settings, scope)
            session.commit()
            job = get_job(session, job_id)
        ring(settings)
        if wait:
            job = complete_job(settings, job_id, quiet=as_json)
    if as_json:
        print_json({**describe(job), "created": created})
    else:
        out.print(f"Job {job.id} {job.state}: {job.done:,} of {job.total:,} tracks.")
    if wait and job.state != "done":
        raise typer.Exit(EXIT_FAILED)


def enrich_status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell how many tracks have their features, where these came from, and how long the rest takes."""
    from cli.servers import connected
    from db.engine import open_session
    from services.enrich_status import enrich_status as read_status

    with connected() as settings, open_session(settings.required_database_url) as session:
        status = read_status(session)
    if as_json:
        print_json(status)
    else:
        _show(status)


def _show(status: dict[str, Any]) -> None:
    out.print(f"{status['complete']:,} of {status['tracks']:,} tracks have all nine features.")
    out.print(f"{status['waiting']:,} are waiting or running, {status['failed']:,} failed.")
    for source, n in status["estimates_by_source"].items():
        out.print(f"  {source}: {n:,} tracks")
    if status["rate_per_s"]:
        eta = f", {status['eta_s']:,.0f} s left" if status["eta_s"] else ""
        out.print(f"{status['rate_per_s']:,.0f} tracks/s lately{eta}")
