"""What a roll-back of a user's model answers."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.user_models import ModelKind

if TYPE_CHECKING:
    from db.repositories.user_models import UserModelRow

_EXAMPLE: dict[str, Any] = {
    "user_id": 123,
    "kind": "m1",
    "version": "m1-1-5d0c1f7a-08aa48b5",
    "trained_at": "2026-05-04T09:30:00Z",
    "last_used_at": "2026-05-05T18:00:00Z",
    "size_bytes": 20480,
    "metrics": {},
}


class ServingModel(BaseModel):
    """The version of a user's model that serves."""

    user_id: int
    kind: ModelKind
    version: str
    trained_at: datetime
    last_used_at: datetime = Field(description="Exact to an hour.")
    size_bytes: int
    metrics: dict[str, Any] = Field(description="What its training measured.")

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    @classmethod
    def of(cls, row: "UserModelRow") -> Self:
        """The version as it is recorded."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})
