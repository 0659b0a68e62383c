"""Jobs: look, cancel, retry."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query

from api.dependencies import AppSettings, DatabaseSession, JobId, PageLimit
from api.openapi import problems
from api.schemas.jobs import Job, JobCancelled, JobPage, JobRetried
from api.security import require_key
from core.ids import MAX_ID
from db.repositories import jobs
from services import job_control
from tasks.publishing import ring

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

BeforeId = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only jobs older than this one.", examples=[42])]


@router.get("", summary="Jobs, the newest first", responses=problems())
def list_jobs(session: DatabaseSession, limit: PageLimit = 50, before_id: BeforeId = None) -> JobPage:
    """A page of jobs with their progress."""
    page = [Job.of(progress) for progress in jobs.list_jobs(session, limit=limit, before_id=before_id)]
    return JobPage(jobs=page, next_before_id=page[-1].id if len(page) == limit else None)


@router.get("/{job_id}", summary="One job and its progress", responses=problems("not-found"))
def show_job(job_id: JobId, session: DatabaseSession) -> Job:
    """Progress, counts, errors by code, rate and time left, counted at this moment."""
    return Job.of(job_control.get_job(session, job_id))


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "not-found", "wrong-state"),
)
def cancel_job(job_id: JobId, session: DatabaseSession) -> JobCancelled:
    """Ends what has not ended; workers in the middle of it cannot write any more. Cancelling is final."""
    cancelled = job_control.cancel(session, job_id)
    job = Job.of(job_control.get_job(session, job_id))
    session.commit()
    return JobCancelled(cancelled=cancelled, job=job)


@router.post(
    "/{job_id}/retry",
    status_code=202,
    summary="Retry what failed in a job",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "not-found", "wrong-state"),
)
def retry_job(
    job_id: JobId, session: DatabaseSession, settings: AppSettings, background: BackgroundTasks
) -> JobRetried:
    """Queues the failed and quarantined work items again, with fresh counters."""
    retried = job_control.retry(session, job_id)
    job = Job.of(job_control.get_job(session, job_id))
    session.commit()
    background.add_task(ring, settings)
    return JobRetried(retried=retried, job=job)
