"""Task: train a predictor that serves everybody."""

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.settings import get_settings
from core.telemetry import get_logger
from tasks.app import app
from tasks.execution import run_work_item
from tasks.queues import TaskName

if TYPE_CHECKING:
    from models.predictors.protocol import OnProgress
    from services.version_training import TrainedVersion

log = get_logger(__name__)

LOG_EVERY_S = 10.0


@app.task(name=str(TaskName.TRAIN_GLOBAL))
def train_global(item_id: int) -> None:
    """Claim the item, train, promote or reject; once that is committed, tell MLflow where there is one."""
    settings = get_settings()
    trained: list[TrainedVersion] = []

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        from services.serving import ModelFolders
        from services.train_jobs import run_training

        trained.append(
            run_training(
                session,
                payload,
                ModelFolders.of(settings),
                settings.shared_data_dir,
                tolerance=settings.train.promotion_tolerance,
                on_progress=log_progress(payload["version"]),
            )
        )
        return trained[-1].as_result()

    if run_work_item(item_id, work, settings):
        from services.tracking import track

        track(trained[-1], settings.mlflow_tracking_uri)


def log_progress(predictor: str) -> "OnProgress":
    """A line in the log every few seconds."""
    logged_at = time.monotonic()

    def on_progress(done: int, total: int) -> None:
        nonlocal logged_at
        if time.monotonic() - logged_at >= LOG_EVERY_S:
            logged_at = time.monotonic()
            log.info("training", predictor=predictor, done=done, total=total)

    return on_progress
