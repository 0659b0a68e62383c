"""`musicspace train`: build the trained models."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out as stdout
from cli.console import print_json, progress_bar
from cli.train_router import train_router
from core.errors import PermanentError

if TYPE_CHECKING:
    from core.settings import Settings
    from models.predictors.protocol import OnProgress
    from models.training_data import ReferenceTable
    from services.version_training import TrainedVersion

EXIT_FAILED = 1
ALL = "all"

app = typer.Typer(help="Train models.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train models."""


app.command("router")(train_router)


@app.command("global")
def train_global(
    name: Annotated[
        str, typer.Argument(metavar="PREDICTOR", help="Which predictor to train, e.g. m1; with --out also `all`.")
    ],
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    out: Annotated[
        Path | None, typer.Option(help="Only write the trained model into this folder; needs no database.")
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Leave the training to a train worker.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="With --queue: wait until it is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a predictor that serves everybody, judge it on the holdouts, and let it serve if it is not worse.

    The new version is recorded with its figures either way; `musicspace models` lists, promotes and rolls back.
    """
    _check_options(name, out, queue=queue, wait=wait)
    if out is not None:
        _write(name, data, out, as_json=as_json)
    elif queue:
        _enqueue(name, data, wait=wait, as_json=as_json)
    else:
        _train_here(name, data, as_json=as_json)


def _check_options(name: str, out: Path | None, *, queue: bool, wait: bool) -> None:
    from models.registry import require_predictor

    if out is not None and queue:
        raise PermanentError("invalid-option", "--out writes here and now, --queue leaves it to a worker: choose one.")
    if wait and not queue:
        raise PermanentError("invalid-option", "--wait belongs to --queue; without it the training runs here anyway.")
    if name == ALL and out is None:
        raise PermanentError("invalid-option", "`all` needs --out. Versions that may serve are trained one by one.")
    if name != ALL:
        require_predictor(name)


def _write(name: str, data: Path, out: Path, *, as_json: bool) -> None:
    """Train into a folder, as the artifacts that ship are made; `all` in the order of the registry."""
    from cli.evaluate import evaluation_table
    from models.registry import PREDICTORS
    from services.training import train_global as run_training

    for predictor in PREDICTORS if name == ALL else [name]:
        with _progress(predictor, quiet=as_json) as on_progress:
            result = run_training(predictor, data, out, on_progress)
        if as_json:
            print_json({"folder": str(result.folder), **result.evaluation.as_dict(), "version": result.card.version})
        else:
            stdout.print(evaluation_table(result.evaluation))
            stdout.print(f"{result.card.name} {result.card.version} written to {result.folder}.")


def _train_here(name: str, data: Path, *, as_json: bool) -> None:
    from cli.evaluate import evaluation_table
    from cli.servers import connected
    from models.training_data import read_reference_table
    from services.tracking import track

    # First, so that a wrong file is told before any server starts.
    table = read_reference_table(data)
    with connected() as settings:
        with _progress(name, quiet=as_json) as on_progress:
            trained = _train_and_commit(settings, name, table, on_progress)
        track(trained, settings.mlflow_tracking_uri)
    if as_json:
        print_json({**trained.as_result(), "folder": str(trained.folder), "evaluation": trained.evaluation.as_dict()})
        return
    stdout.print(evaluation_table(trained.evaluation))
    known = "was there before" if trained.known else "is new"
    stdout.print(f"{trained.name} {trained.version} {known}: {trained.state or 'shipped'}. {trained.reason}")


def _train_and_commit(
    settings: "Settings", name: str, table: "ReferenceTable", on_progress: "OnProgress"
) -> "TrainedVersion":
    from db.engine import open_session
    from services.serving import ModelFolders
    from services.version_training import train_version

    with open_session(settings.required_database_url) as session:
        trained = train_version(
            session,
            name,
            table,
            ModelFolders.of(settings),
            tolerance=settings.train.promotion_tolerance,
            on_progress=on_progress,
        )
        session.commit()
    return trained


def _enqueue(name: str, data: Path, *, wait: bool, as_json: bool) -> None:
    from cli.jobs import describe
    from cli.servers import connected
    from cli.watching import complete_job
    from db.engine import open_session
    from services.job_control import get_job
    from services.train_jobs import start_training
    from tasks.publishing import ring

    path = _readable_by_workers(data)
    with connected() as settings:
        with open_session(settings.required_database_url) as session:
            job_id, created = start_training(session, name, path)
            session.commit()
            job = get_job(session, job_id)
        ring(settings)
        if wait:
            job = complete_job(settings, job_id, quiet=as_json)
    if as_json:
        print_json({**describe(job), "created": created})
    else:
        joined = "" if created else " (it was live already)"
        stdout.print(f"Job {job.id}{joined}, training {name}: {job.state}. `musicspace models list {name}` shows it.")
    if wait and job.state != "done":
        raise typer.Exit(EXIT_FAILED)


def _readable_by_workers(data: Path) -> Path:
    """The absolute path of a table. One that is not here is accepted where the workers may be on other machines."""
    from core.settings import get_settings
    from models.training_data import read_reference_table

    if data.exists() or get_settings().embedded:
        read_reference_table(data)
    elif not data.is_absolute():
        raise PermanentError("file-not-found", f"{data} is not here. Name a path of the workers from its root on.")
    return data.absolute()


@contextmanager
def _progress(name: str, *, quiet: bool) -> "Iterator[OnProgress]":
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task(f"Training {name}", total=None, note="")
        yield lambda done, total: progress.update(task, completed=done, total=total)
