"""Work items and their attempts, as operators see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.work import AttemptOutcome, WorkState

ITEM_EXAMPLE: dict[str, Any] = {
    "id": 1001,
    "job_id": 42,
    "kind": "enrich",
    "stage": 0,
    "state": "quarantined",
    "size": 500,
    "attempts": 3,
    "losses": 3,
    "worker": "host-1:4711",
    "error_code": "worker-lost",
    "error_message": "The worker died 3 times while it held this item.",
    "created_at": "2026-05-04T09:30:00Z",
    "next_run_at": "2026-05-04T09:31:10Z",
    "dispatched_at": "2026-05-04T09:31:11Z",
    "lease_until": None,
    "finished_at": "2026-05-04T09:32:00Z",
}
ATTEMPT_EXAMPLE: dict[str, Any] = {
    "fence": 1,
    "worker": "host-1:4711",
    "started_at": "2026-05-04T09:30:01Z",
    "ended_at": "2026-05-04T09:30:31Z",
    "outcome": "lost",
    "error_code": "worker-lost",
    "error_message": None,
}


class WorkItem(BaseModel):
    """The unit of work a worker claims."""

    id: int
    job_id: int
    kind: str
    stage: int = Field(description="It waits until every item of the stages before it ended.")
    state: WorkState
    size: int = Field(description="How many targets (tracks) it works on.")
    attempts: int
    losses: int = Field(description="How often its worker died.")
    worker: str | None = Field(description="Who holds it, or held it last.")
    error_code: str | None
    error_message: str | None
    created_at: datetime
    next_run_at: datetime
    dispatched_at: datetime | None
    lease_until: datetime | None
    finished_at: datetime | None

    model_config = ConfigDict(json_schema_extra={"examples": [ITEM_EXAMPLE]})


class Attempt(BaseModel):
    """One claim of a work item and how it ended."""

    fence: int = Field(description="Counts the claims of the item; a claim with an old fence cannot write.")
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    error_code: str | None
    error_message: str | None


class WorkItemDetail(WorkItem):
    """A work item with what it works on and every attempt, oldest first."""

    payload: dict[str, Any]
    result: dict[str, Any] | None
    attempt_history: list[Attempt]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **ITEM_EXAMPLE,
                    "payload": {"targets": [7, 8], "version": "blend"},
                    "result": None,
                    "attempt_history": [ATTEMPT_EXAMPLE],
                }
            ]
        }
    )


class WorkItemPage(BaseModel):
    """Work items in the order of their ids."""

    work_items: list[WorkItem]
    next_after_id: int | None = Field(description="`after_id` of the next page; null on the last one.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"work_items": [ITEM_EXAMPLE], "next_after_id": None}]})
