"""Task: train one model of one user."""

from typing import Any

from sqlalchemy.orm import Session

from core.errors import RetryableError
from core.settings import get_settings
from db.repositories.personalized_users import mark_outdated
from tasks.app import app
from tasks.execution import run_work_item
from tasks.publishing import ring
from tasks.queues import Queue, TaskName


@app.task(name=str(TaskName.TRAIN_USER))
def train_user(item_id: int) -> None:
    """Claim the item, train, and let the new version serve if it is not worse."""
    settings = get_settings()
    failures: list[RetryableError] = []

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        from services.personal.training import run_user_training

        try:
            return run_user_training(session, settings, payload)
        except RetryableError as error:
            failures.append(error)
            raise

    def give_up(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        # The item fails, but what changed is not forgotten: another training follows once the user was quiet.
        mark_outdated(session, payload["targets"])
        session.commit()
        raise failures[-1]

    if run_work_item(item_id, work, settings, give_up=give_up):
        # The next model of the user follows at once.
        ring(settings, [Queue.PERSONAL])
