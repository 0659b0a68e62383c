"""Task: train what M3 knows of all users."""

from typing import Any

from sqlalchemy.orm import Session

from core.settings import get_settings
from tasks.app import app
from tasks.execution import run_work_item
from tasks.queues import TaskName
from tasks.train import log_progress


@app.task(name=str(TaskName.TRAIN_COMMUNITY))
def train_community(item_id: int) -> None:
    """Claim the item, train, and let the new version serve if it is not worse."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        from services.personal.community_training import run_community_training

        return run_community_training(session, settings, on_progress=log_progress("m3"))

    run_work_item(item_id, work, settings)
