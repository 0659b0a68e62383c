"""`musicspace users`: train the models of users, and see how they stand."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out, print_json
from core.ids import MAX_ID
from core.user_models import ModelKind

if TYPE_CHECKING:
    from db.repositories.personalized_users import KeptModel
    from services.personal.jobs import Started
    from services.personal.status import ModelStatus

EXIT_FAILED = 1

app = typer.Typer(help="Models of users: train them, see how they stand.", no_args_is_help=True)

UserId = Annotated[int, typer.Argument(metavar="USER", min=1, max=MAX_ID, help="The platform's id of the user.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job is over.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("init-models")
def init_models(user: UserId, wait: Wait = False, as_json: AsJson = False) -> None:
    """Enrich a user's tracks that lack features, train all their models, and keep these up to date.

    A job that does so already is joined, not doubled.
    """
    _run(user, None, wait=wait, as_json=as_json)


@app.command("train")
def train(
    user: UserId,
    kind: Annotated[ModelKind, typer.Argument(metavar="KIND", help="m1, m2 or m3.")],
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Train one model of a user. It serves if it is not worse than the one that does."""
    _run(user, kind, wait=wait, as_json=as_json)


@app.command("models")
def models(user: UserId, as_json: AsJson = False) -> None:
    """List the models of a user: which version serves, its size and figures, and what the last training did."""
    from dataclasses import asdict

    from cli.servers import connected
    from db.engine import open_session
    from services.personal.status import user_status

    with connected() as settings, open_session(settings.required_database_url) as session:
        statuses = user_status(session, user)
    if as_json:
        print_json([asdict(status) for status in statuses])
    else:
        _show(statuses)


def _run(user: int, kind: ModelKind | None, *, wait: bool, as_json: bool) -> None:
    from cli.jobs import describe
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.job_control import get_job
    from services.personal.jobs import start_init_models, start_training
    from tasks.publishing import ring

    with connected() as settings:
        with open_session(settings.required_database_url) as session:
            started: Started = (
                start_init_models(session, settings, user)
                if kind is None
                else start_training(session, settings, user, kind)
            )
            session.commit()
            job = get_job(session, started.job_id)
        ring(settings)
        if wait:
            job = complete_job(settings, job.id, quiet=as_json)
    if as_json:
        print_json({**describe(job), "created": started.created})
    else:
        joined = "" if started.created else " (it was live already)"
        out.print(f"Job {job.id}{joined}: {job.state}. `musicspace users models {user}` shows what came of it.")
    if wait and job.state != "done":
        raise typer.Exit(EXIT_FAILED)


def _show(statuses: "list[ModelStatus]") -> None:
    from rich.table import Table

    table = Table("model", "state", "version", "trained", "last used", "size", "AUC")
    for status in statuses:
        table.add_row(status.kind, status.state, *([""] * 5 if status.serving is None else _cells(status.serving)))
    out.print(table)
    for status in statuses:
        if status.why_not is not None:
            out.print(f"{status.kind}: {status.why_not}")


def _cells(model: "KeptModel") -> list[str]:
    auc = (model.metrics.get("gate") or {}).get("auc")
    return [
        model.version,
        f"{model.trained_at:%Y-%m-%d %H:%M}",
        f"{model.last_used_at:%Y-%m-%d %H:%M}",
        f"{model.size_bytes / 1024:,.0f} kB",
        "" if auc is None else f"{auc:.3f}",
    ]
