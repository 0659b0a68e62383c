"""Task: remove all data of a user."""

from typing import Any

from sqlalchemy.orm import Session

from core.settings import Settings, get_settings
from db.engine import open_session
from tasks.app import app
from tasks.execution import run_work_item
from tasks.queues import TaskName


@app.task(name=str(TaskName.FORGET_USER))
def forget_user(item_id: int) -> None:
    """Claim the item and forget its user; whatever interrupts it, the next attempt goes on."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        return _forget(session, payload, settings)

    run_work_item(item_id, work, settings)


def _forget(session: Session, payload: dict[str, Any], settings: Settings) -> dict[str, Any]:
    from services.personal import forgetting
    from services.personal.life import storage_of

    [user_id], job_id = payload["targets"], payload["job_id"]
    storage = storage_of(settings)
    # Committed before any file goes: no model serves whose files are gone, and the receipt knows what there was.
    with open_session(settings.required_database_url) as own:
        forgetting.stop_work(own, user_id, job_id, settings)
        own.commit()
        folders = forgetting.user_folders(storage, user_id)
        forgetting.note_files(own, job_id, folders)
        own.commit()
    # Most of it goes before the user is locked, which keeps requests about them waiting.
    forgetting.remove_folders(storage, folders)
    return forgetting.remove_everything(session, user_id, job_id, storage, settings)
