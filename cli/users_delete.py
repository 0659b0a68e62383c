"""`musicspace users delete`: remove everything about a user, with a receipt."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import out, print_json
from core.ids import MAX_ID

if TYPE_CHECKING:
    from core.settings import Settings

EXIT_FAILED = 1


def delete(
    user: Annotated[int, typer.Argument(min=0, max=MAX_ID, metavar="USER", help="The platform's id of the user.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is meant.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the receipt.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job and the receipt as JSON.")] = False,
) -> None:
    """Remove the playlists, interactions, feedback and models of a user, with a receipt.

    Jobs of the user that have not finished are cancelled. Tracks are the library's and stay. It cannot be undone. A
    removal that is going on already is joined.
    """
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.personal.forgetting import start_forgetting
    from tasks.publishing import ring

    if not yes:
        typer.confirm(f"Remove everything about user {user}?", abort=True, err=True)
    with connected() as settings:
        with open_session(settings.required_database_url) as session:
            job_id, _ = start_forgetting(session, user)
            session.commit()
        ring(settings)
        if wait:
            complete_job(settings, job_id, quiet=as_json)
        result = _read(settings, user)
    if as_json:
        print_json(result)
    else:
        _show(user, result)
    if wait and result["job"]["state"] != "done":
        raise typer.Exit(EXIT_FAILED)


def _read(settings: "Settings", user: int) -> dict[str, Any]:
    from cli.jobs import describe
    from db.engine import open_session
    from services.job_control import get_job
    from services.personal.forgetting import read_deletion

    with open_session(settings.required_database_url) as session:
        deletion = read_deletion(session, user)
        return {"job": describe(get_job(session, deletion.job_id)), "receipt": deletion.receipt}


def _show(user: int, result: dict[str, Any]) -> None:
    job, receipt = result["job"], result["receipt"]
    if receipt is None:
        out.print(f"Job {job['id']} removes user {user}: {job['state']}. Its receipt: musicspace job show {job['id']}")
        return
    rows = ", ".join(f"{n:,} of {table}" for table, n in sorted(receipt["rows"].items()) if n)
    out.print(f"User {user} was removed at {receipt['removed_at']}, by job {job['id']}.", soft_wrap=True)
    out.print(f"Rows: {rows or 'none'}.", soft_wrap=True)
    out.print(f"Files of models: {receipt['files']:,} with {receipt['bytes']:,} bytes.")
    out.print(
        f"Jobs cancelled: {receipt['cancelled_jobs']:,}; without their words now: {receipt['scrubbed']['jobs']:,}."
    )
    for kept in receipt["remains"]:
        out.print(f"Kept: {kept['what']}. {kept['why']}", soft_wrap=True)
