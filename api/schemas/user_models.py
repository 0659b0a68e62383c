"""Models of users: what is asked of them and how they stand."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from core.ids import MAX_ID
from core.user_models import ModelKind

if TYPE_CHECKING:
    from db.repositories.personalized_users import Training
    from services.personal.status import ModelStatus

STATUS_EXAMPLE: dict[str, Any] = {
    "kind": "m1",
    "state": "ready",
    "version": "20260504-093000-5d0c1f7a",
    "trained_at": "2026-05-04T09:30:00Z",
    "last_used_at": "2026-05-05T18:00:00Z",
    "size_bytes": 20480,
    "metrics": {"gate": {"auc": 0.81, "serving_auc": 0.79, "held_out": 12}},
    "previous_version": None,
    "job_id": None,
    "last_training": {
        "job_id": 42,
        "state": "done",
        "finished_at": "2026-05-04T09:30:00Z",
        "error_code": None,
    },
    "why_not": None,
}


# Fields that tell of the version that serves.
_OF_SERVING = ("version", "trained_at", "last_used_at", "size_bytes", "metrics")


class UserRequest(BaseModel):
    """Whose models."""

    user_id: int = Field(ge=1, le=MAX_ID, strict=True, description="The platform's id of the user.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user_id": 123}]})


class M3Request(BaseModel):
    """Whose M3; of nobody in particular is what all users have in common."""

    user_id: int | None = Field(
        None, ge=1, le=MAX_ID, strict=True, description="The user; left out: what all users have in common."
    )

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user_id": 123}, {}]})


class LastTraining(BaseModel):
    """A training that ended."""

    job_id: int
    state: str = Field(description="Of its work item: done, failed, cancelled or quarantined.")
    finished_at: datetime | None
    error_code: str | None

    @classmethod
    def of(cls, training: "Training") -> Self:
        """The training as the ledger has it."""
        return cls(**{name: getattr(training, name) for name in cls.model_fields})


class UserModelStatus(BaseModel):
    """One model of a user."""

    kind: ModelKind
    state: Literal["none", "training", "ready", "outdated", "fallback"] = Field(
        description="`training`: what served before goes on serving. `fallback`: too little history, so what is known "
        "of all users serves."
    )
    version: str | None = Field(description="The one that serves.")
    trained_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to an hour.")
    size_bytes: int | None
    metrics: dict[str, Any] | None = Field(description="`gate`: the figures that decided.")
    previous_version: str | None = Field(description="A roll-back makes it serve again.")
    job_id: int | None = Field(description="The job that trains it, or will.")
    last_training: LastTraining | None
    why_not: str | None = Field(description="Why the last training put no new version into service.")

    model_config = ConfigDict(json_schema_extra={"examples": [STATUS_EXAMPLE]})

    @classmethod
    def of(cls, status: "ModelStatus") -> Self:
        """The model as the service tells it."""
        serving, last = status.serving, status.last_training
        return cls(
            kind=status.kind,
            state=status.state.value,
            **{name: getattr(serving, name, None) for name in _OF_SERVING},
            previous_version=status.previous_version,
            job_id=status.job_id,
            last_training=None if last is None else LastTraining.of(last),
            why_not=status.why_not,
        )


class UserModels(BaseModel):
    """The models of a user."""

    user_id: int
    models: list[UserModelStatus]

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": 123, "models": [STATUS_EXAMPLE]}]})
