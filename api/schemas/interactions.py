"""Interactions as the platform sends them, and what became of them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from services.personal.events import EVENT_EXAMPLE, InteractionEvent

if TYPE_CHECKING:
    from services.personal.interactions import Recorded


class Interactions(BaseModel):
    """Events, in any order, of any users."""

    events: list[InteractionEvent] = Field(min_length=1)

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"events": [EVENT_EXAMPLE]}]})


class RejectedEvent(BaseModel):
    """An event that was left out; the others were kept."""

    index: int = Field(description="Its place in the request, from 0.")
    event_id: str
    reason: str = Field(description="Stable: `unknown-track`.")
    detail: str


class InteractionsStored(BaseModel):
    """What became of the events."""

    accepted: int
    duplicates: int = Field(description="Stored before, or twice in the request.")
    rejected: list[RejectedEvent]

    model_config = ConfigDict(json_schema_extra={"examples": [{"accepted": 1, "duplicates": 0, "rejected": []}]})

    @classmethod
    def of(cls, recorded: "Recorded") -> Self:
        """The answer of the service."""
        return cls(**asdict(recorded))
