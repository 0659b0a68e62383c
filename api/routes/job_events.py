"""The progress of a job as server-sent events."""

import threading
from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.dependencies import AppSettings, DatabaseSession, JobId
from api.openapi import problems
from api.schemas.jobs import JOB_EXAMPLE, Job
from core.errors import PermanentError, RetryableError
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from services.job_control import get_job

log = get_logger(__name__)

POLL_S = 0.5
OUTAGE_POLL_S = 1.0

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`progress` at once and on every change; `end` when the job has ended, then the stream closes.",
        "content": {"text/event-stream": {"example": {"event": "progress", "data": JOB_EXAMPLE}}},
    }
}


def _existing(job_id: JobId, session: DatabaseSession) -> int:
    """The id of a job that is there; once the stream has begun it is too late for a 404."""
    return get_job(session, job_id).id


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses={**_STREAM, **problems("not-found")},
)
async def job_events(
    job_id: Annotated[int, Depends(_existing)], request: Request, settings: AppSettings
) -> AsyncIterable[ServerSentEvent]:
    """The data of both events is the job as `GET /api/jobs/{job_id}` shows it.

    Without news a comment comes every 15 seconds. A stream that closes without `end` was cut by a restart of the API:
    connect again.
    """
    async for event in follow(job_id, settings, request.app.state.stopping):
        yield event


async def follow(job_id: int, settings: Settings, stopping: threading.Event) -> AsyncIterator[ServerSentEvent]:
    """Events until the job has ended or the server stops; a database that is away pauses them."""
    shown: Job | None = None
    while not stopping.is_set():
        try:
            job = await run_in_threadpool(_read, job_id, settings)
        except RetryableError as error:
            log.warning("job_events_paused", job_id=job_id, code=error.code, reason=error.message)
            await anyio.sleep(OUTAGE_POLL_S)
            continue
        except PermanentError:
            return  # Somebody deleted the job.
        if job != shown:
            yield ServerSentEvent(event="progress", data=job)
        if job.finished_at is not None:
            yield ServerSentEvent(event="end", data=job)
            return
        shown = job
        await anyio.sleep(POLL_S)


def _read(job_id: int, settings: Settings) -> Job:
    with open_session(settings.required_database_url) as session:
        return Job.of(get_job(session, job_id))
