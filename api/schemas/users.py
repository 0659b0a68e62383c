"""The removal of a user and its receipt."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.jobs import JOB_EXAMPLE, Job

RECEIPT_EXAMPLE: dict[str, Any] = {
    "user_id": 123,
    "removed_at": "2026-05-04T09:30:01Z",
    "rows": {"playlists": 3, "playlist_tracks": 1500, "interactions": 420, "user_models": 6, "users": 1},
    "files": 12,
    "bytes": 734003,
    "cancelled_jobs": 1,
    "scrubbed": {"jobs": 4, "work_items": 12, "attempts": 13},
    "remains": [{"what": "tracks", "why": "Tracks are the library's, also those that only this user imported."}],
}
_JOB_EXAMPLE = {
    **JOB_EXAMPLE,
    "kind": "forget-user",
    "user_id": None,
    "state": "done",
    "params": {"user_id": 123},
    "summary": {"cancelled_jobs": 1, "files": 12, "bytes": 734003},
    "items": {"done": 1},
    "targets": {"done": 1},
    "total": 1,
    "done": 1,
    "errors": {},
    "rate_per_s": None,
    "eta_s": None,
}


class Remainder(BaseModel):
    """Something that is kept."""

    what: str
    why: str


class Receipt(BaseModel):
    """What was removed of a user."""

    user_id: int
    removed_at: datetime
    rows: dict[str, int] = Field(description="Rows removed, by table.")
    files: int = Field(description="Files of models removed.")
    bytes: int = Field(description="What those took.")
    cancelled_jobs: int = Field(description="Jobs of the user that had not finished.")
    scrubbed: dict[str, int] = Field(description="Rows of the ledger from which user, names and messages were taken.")
    remains: list[Remainder] = Field(description="What is kept, and why.")

    model_config = ConfigDict(json_schema_extra={"examples": [RECEIPT_EXAMPLE]})


class UserDeletion(BaseModel):
    """The newest removal of a user."""

    job: Job
    receipt: Receipt | None = Field(description="Null until the job is done.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"job": _JOB_EXAMPLE, "receipt": RECEIPT_EXAMPLE}]})
