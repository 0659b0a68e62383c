"""Task: train one model of one user."""

from typing import Any

from sqlalchemy.orm import Session

from core.settings import get_settings
from tasks.app import app
from tasks.execution import run_work_item
from tasks.publishing import ring
from tasks.queues import TaskName


@app.task(name=str(TaskName.TRAIN_USER))
def train_user(item_id: int) -> None:
    """Claim the item, train, and let the new version serve if it is not worse."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        from services.personal.training import run_user_training

        return run_user_training(session, settings, payload)

    if run_work_item(item_id, work, settings):
        # The next model of the user follows at once.
        ring(settings)
