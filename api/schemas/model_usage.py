"""How much the models of users take."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from services.personal.usage import Usage

USAGE_EXAMPLE: dict[str, Any] = {
    "kinds": [
        {
            "kind": "m1",
            "models": 1900,
            "serving": 1000,
            "previous": 900,
            "deleting": 0,
            "size_bytes": 15_200_000,
            "oldest_trained_at": "2026-02-01T03:20:00Z",
            "oldest_used_at": "2026-02-10T08:00:00Z",
        }
    ],
    "users": 1000,
    "models": 1900,
    "size_bytes": 15_200_000,
    "top_users": [{"user_id": 123, "models": 6, "size_bytes": 1_048_576}],
    "growth": [{"days": 7, "since": "2026-04-27", "models": 140, "size_bytes": 1_100_000}],
}


class KindUsage(BaseModel):
    """All versions of one kind."""

    kind: str = Field(description="`m1`, `m2`, `m3` of users, or `community`: what M3 knows of all users.")
    models: int = Field(description="Versions in any state.")
    serving: int
    previous: int = Field(description="Versions kept for a roll-back.")
    deleting: int = Field(description="Versions whose files are being removed.")
    size_bytes: int
    oldest_trained_at: datetime | None
    oldest_used_at: datetime | None = Field(description="Last use of the version that was unused for longest.")


class UserUsage(BaseModel):
    """All versions of one user."""

    user_id: int
    models: int
    size_bytes: int


class Growth(BaseModel):
    """How much there is more than some days ago; nulls where nothing was counted that long ago."""

    days: int
    since: date | None = Field(description="The day that was counted.")
    models: int | None
    size_bytes: int | None


class ModelUsage(BaseModel):
    """Counts over all models of users."""

    kinds: list[KindUsage]
    users: int = Field(description="Users with a model.")
    models: int
    size_bytes: int
    top_users: list[UserUsage] = Field(description="Those whose models take most, the largest first.")
    growth: list[Growth]

    model_config = ConfigDict(json_schema_extra={"examples": [USAGE_EXAMPLE]})

    @classmethod
    def of(cls, usage: "Usage") -> Self:
        """The usage as the service counts it."""
        return cls.model_validate(asdict(usage))
