"""An event as the platform sends it, in a request or a file: what it must hold."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.ids import MAX_ID
from core.user_models import EventKind
from services.personal.interactions import NamedEvent

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

    def named(self) -> NamedEvent:
        """The event as the service takes it."""
        return NamedEvent(self.event_id, self.user_id, str(self.kind), self.occurred_at, self.track_id, self.spotify_id)
