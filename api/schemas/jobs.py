"""Jobs: progress, pages, what cancel and retry did."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.links import JobLinks
from core.work import JobState
from db.repositories.jobs import JobProgress

JOB_EXAMPLE: dict[str, Any] = {
    "id": 42,
    "kind": "import",
    "user_id": 1,
    "state": "running",
    "created_at": "2026-05-04T09:30:00Z",
    "finished_at": None,
    "params": {"playlist": "Morning", "predictor": "blend"},
    "summary": {"rows": 1500, "new_tracks": 1500, "enqueued": 1500},
    "items": {"done": 1, "failed": 1, "running": 1},
    "targets": {"done": 500, "failed": 500, "running": 500},
    "total": 1500,
    "done": 1000,
    "errors": {"track-missing": 1},
    "rate_per_s": 2500.0,
    "eta_s": 0.2,
    "links": JobLinks.of(42).model_dump(),
}


class Job(BaseModel):
    """A job and its progress, counted over its work items."""

    id: int
    kind: str
    user_id: int | None
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    params: dict[str, Any] = Field(description="What was asked for.")
    summary: dict[str, Any] = Field(description="What the request itself did, before any worker.")
    items: dict[str, int] = Field(description="Work items by state.")
    targets: dict[str, int] = Field(description="Tracks by the state of their work item.")
    total: int = Field(description="Tracks in all work items.")
    done: int = Field(description="Tracks of work items that ended, in whatever way.")
    errors: dict[str, int] = Field(description="Failed and quarantined work items by error code.")
    rate_per_s: float | None = Field(description="Tracks a second: lately, or over the whole of a finished job.")
    eta_s: float | None = Field(description="Seconds left at this rate.")
    links: JobLinks

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})

    @classmethod
    def of(cls, progress: JobProgress) -> Self:
        """The job as the ledger counts it."""
        return cls(**asdict(progress), links=JobLinks.of(progress.id))


class JobPage(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job]
    next_before_id: int | None = Field(description="`before_id` of the next page; null on the last one.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobs": [JOB_EXAMPLE], "next_before_id": 42}]})


class JobCancelled(BaseModel):
    """What cancelling did."""

    cancelled: int = Field(description="Work items that had not ended yet.")
    job: Job

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cancelled": 2, "job": {**JOB_EXAMPLE, "state": "cancelled"}}]}
    )


class JobRetried(BaseModel):
    """What retrying did."""

    retried: int = Field(description="Failed and quarantined work items that are queued again.")
    job: Job

    model_config = ConfigDict(json_schema_extra={"examples": [{"retried": 1, "job": JOB_EXAMPLE}]})
