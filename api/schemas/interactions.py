"""What users did with tracks, as the platform sends it, and what became of it."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.ids import MAX_ID
from core.user_models import EventKind

if TYPE_CHECKING:
    from services.personal.interactions import NamedEvent, Recorded

# Clocks of devices go wrong; those that are a day ahead are not believed.
_AHEAD = timedelta(days=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

EVENT_EXAMPLE: dict[str, Any] = {
    "event_id": "5f0c9a52-6f2f-4f8e-9a55-0d8f2c7a3b11",
    "user_id": 123,
    "track_id": 7,
    "kind": "play",
    "occurred_at": "2026-05-04T09:30:00Z",
}


def _plausible(moment: datetime) -> datetime:
    if moment < _EARLIEST:
        raise ValueError("must not lie before 1970")
    if moment > datetime.now(UTC) + _AHEAD:
        raise ValueError("must not lie more than a day in the future")
    return moment


EventId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
SpotifyId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,100}$")]


class InteractionEvent(BaseModel):
    """Something a user did with a track."""

    event_id: EventId = Field(
        description="Chosen by the sender, unique for the user, printable ASCII; an event counts once, however often "
        "it is sent."
    )
    user_id: int = Field(ge=1, le=MAX_ID, description="The platform's id of the user, who need not be known.")
    track_id: int | None = Field(None, ge=1, le=MAX_ID, description="The track; or name it by `spotify_id`.")
    spotify_id: SpotifyId | None = Field(None, description="The track by its Spotify id.")
    kind: EventKind
    occurred_at: Annotated[AwareDatetime, AfterValidator(_plausible)] = Field(
        description="With a time zone; from 1970 to a day from now."
    )

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _one_track(self) -> Self:
        if (self.track_id is None) == (self.spotify_id is None):
            raise ValueError("names one track, either by track_id or by spotify_id")
        return self

    def named(self) -> "NamedEvent":
        """The event as the service takes it."""
        from services.personal.interactions import NamedEvent

        return NamedEvent(self.event_id, self.user_id, str(self.kind), self.occurred_at, self.track_id, self.spotify_id)


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
