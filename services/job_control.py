"""What people do with jobs and work items: look, cancel, retry, replay. What cannot be done is a typed error."""

from typing import Any

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.work import JobState, WorkState
from db.repositories import jobs
from db.repositories.inspection import get_item
from db.repositories.jobs import JobProgress


def get_job(session: Session, job_id: int) -> JobProgress:
    """The job and its progress. Raises `PermanentError` (`not-found`)."""
    progress = jobs.job_progress(session, job_id)
    if progress is None:
        raise PermanentError("not-found", f"There is no job {job_id}.")
    return progress


def cancel(session: Session, job_id: int) -> int:
    """Cancel a job and return how many items that ended. Raises `PermanentError` where it has finished already."""
    if get_job(session, job_id).finished_at is not None:
        raise PermanentError("wrong-state", f"Job {job_id} has finished; there is nothing to cancel.")
    return jobs.cancel_job(session, job_id)


def retry(session: Session, job_id: int) -> int:
    """Queue a job's failed and quarantined items again and return their number."""
    if get_job(session, job_id).state is JobState.CANCELLED:
        raise PermanentError("wrong-state", f"Job {job_id} was cancelled, and cancelling is final.")
    troubled = jobs.troubled_items(session, job_id)
    if not troubled:
        raise PermanentError("wrong-state", f"Job {job_id} has no failed or quarantined items.")
    return len(jobs.replay_items(session, job_id, troubled))


def get_work_item(session: Session, item_id: int) -> dict[str, Any]:
    """The item with its attempts. Raises `PermanentError` (`not-found`)."""
    item = get_item(session, item_id)
    if item is None:
        raise PermanentError("not-found", f"There is no work item {item_id}.")
    return item


def replay(session: Session, item_id: int) -> dict[str, Any]:
    """Queue one failed or quarantined item again and return it."""
    item = get_work_item(session, item_id)
    if item["state"] not in (WorkState.FAILED, WorkState.QUARANTINED):
        raise PermanentError(
            "wrong-state", f"Work item {item_id} is {item['state']}; only failed or quarantined ones are replayed."
        )
    if get_job(session, item["job_id"]).state is JobState.CANCELLED:
        raise PermanentError("wrong-state", f"Job {item['job_id']} was cancelled, and cancelling is final.")
    if not jobs.replay_items(session, item["job_id"], [item_id]):
        raise PermanentError("wrong-state", f"Another live work item holds targets of work item {item_id}.")
    return get_work_item(session, item_id)
