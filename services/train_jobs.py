"""Trainings as jobs: one live job a predictor, with a table that the worker finds, too."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.errors import ConfigurationError, PermanentError
from core.work import JobKind, WorkKind
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from models.predictors.protocol import OnProgress
from models.registry import require_predictor
from models.training_data import read_reference_table
from services.serving import ModelFolders
from services.version_training import TrainedVersion, train_version

# Targets are tracks or users elsewhere; a global predictor serves nobody in particular.
_EVERYBODY = 0


def start_training(session: Session, name: str, data: Path) -> tuple[int, bool]:
    """Enqueue the training of a predictor. Returns `(job_id, created)`; a training that is live is returned instead.

    Parameters
    ----------
    data
        The reference table: an absolute path that the worker can read, or one below its folder of shared data.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no such predictor. `wrong-state`: a replayed training of it is live.
    """
    require_predictor(name)
    params = {"predictor": name, "data": str(data)}
    job_id, created = create_job(session, JobKind.TRAIN, params=params, unique_key=name)
    if not created:
        return job_id, False
    payload = {"data": str(data), "job_id": job_id}
    if not enqueue_targets(
        session, job_id, WorkKind.TRAIN_GLOBAL, [_EVERYBODY], version=name, chunk_size=1, extra=payload
    ):
        raise PermanentError("wrong-state", f"A replayed training of {name} is live; wait for it, or cancel its job.")
    seal_job(session, job_id, {})
    return job_id, True


def run_training(
    session: Session,
    payload: dict[str, Any],
    folders: ModelFolders,
    shared_data_dir: Path | None,
    *,
    tolerance: float,
    on_progress: OnProgress,
) -> TrainedVersion:
    """Do what `start_training` enqueued. Raises what `train_version` does, and `file-not-found` for the table."""
    data = Path(payload["data"])
    if not data.is_absolute():
        data = shared_table(shared_data_dir, data)
    table = read_reference_table(data)
    return train_version(
        session,
        payload["version"],
        table,
        folders,
        tolerance=tolerance,
        on_progress=on_progress,
        job_id=payload["job_id"],
    )


def shared_table(shared_data_dir: Path | None, relative: Path) -> Path:
    """The path of a table in the folder of shared data, which callers of the API cannot leave.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: no such folder is configured.
    PermanentError
        `invalid-option`: the path leads out of it.
    """
    if shared_data_dir is None:
        raise ConfigurationError(
            "invalid-settings", "MUSICSPACE_SHARED_DATA_DIR is not set; it names the folder of reference tables."
        )
    try:
        folder = shared_data_dir.expanduser().resolve()
        path = (folder / relative).resolve()
    except (OSError, ValueError):
        raise PermanentError("invalid-option", "The path of the table cannot be used.") from None
    if not path.is_relative_to(folder):
        raise PermanentError("invalid-option", f"{relative} leads out of the folder of shared data.")
    return path


def shared_table_name(shared_data_dir: Path | None, path: Path) -> Path:
    """The path of a table relative to the folder of shared data, for a job: that folder may lie elsewhere for a worker.

    Raises as `shared_table`, and `file-not-found` where the folder is here but not the table.
    """
    table = shared_table(shared_data_dir, path)
    assert shared_data_dir is not None
    folder = shared_data_dir.expanduser().resolve()
    if folder.is_dir() and not _is_file(table):
        raise PermanentError("file-not-found", f"There is no table {path} in the folder of shared data.")
    return table.relative_to(folder)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # for instance a name that is too long
        return False
