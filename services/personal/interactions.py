"""Take what users did with tracks, each event once, and note whose models that makes outdated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import PermanentError
from db.repositories import interactions
from db.repositories.interactions import Event
from db.repositories.personalized_users import mark_outdated
from db.repositories.users import add_users


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """An event as the platform sends it: it names the track by our id, or else by that of Spotify."""

    event_id: str
    user_id: int
    kind: str
    occurred_at: datetime
    track_id: int | None = None
    spotify_id: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that was left out."""

    index: int  #: Its place in the request, from 0.
    event_id: str
    reason: str  #: Stable: `unknown-track`.
    detail: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the events of a request."""

    accepted: int
    duplicates: int  #: Stored before, or twice in the request.
    rejected: list[RejectedEvent]


def record(session: Session, events: Sequence[NamedEvent], max_events: int) -> Recorded:
    """Store events and add them up; users that are new are created. The caller commits.

    Raises
    ------
    PermanentError
        `file-too-large`: more than `max_events`.
    """
    if len(events) > max_events:
        limit = f"{max_events} events (MUSICSPACE_RECOMMEND__MAX_EVENTS)"
        raise PermanentError("file-too-large", f"A request may hold {limit}, this one has {len(events)}; split it.")
    usable, rejected = _find_tracks(session, events, keep=True)
    if not usable:
        return Recorded(0, 0, rejected)
    add_users(session, [event.user_id for event in usable])
    stored = interactions.add_events(session, usable)
    mark_outdated(session, stored.user_ids)
    return Recorded(stored.events, len(usable) - stored.events, rejected)


def check(session: Session, events: Sequence[NamedEvent]) -> Recorded:
    """What `record` would answer; nothing is written or locked."""
    usable, rejected = _find_tracks(session, events, keep=False)
    new = len({(event.user_id, event.event_id) for event in usable}) - interactions.count_stored(session, usable)
    return Recorded(new, len(usable) - new, rejected)


def _find_tracks(
    session: Session, events: Sequence[NamedEvent], *, keep: bool
) -> tuple[list[Event], list[RejectedEvent]]:
    spotify_ids = [event.spotify_id for event in events if event.track_id is None and event.spotify_id is not None]
    of_spotify = interactions.track_ids_of(session, spotify_ids, keep=keep) if spotify_ids else {}
    named = [
        event if event.spotify_id is None else replace(event, track_id=of_spotify.get(event.spotify_id))
        for event in events
    ]
    ids = [event.track_id for event in named if event.track_id is not None]
    known = interactions.known_track_ids(session, ids, keep=keep)
    usable, rejected = [], []
    for index, event in enumerate(named):
        if event.track_id in known:
            assert event.track_id is not None
            usable.append(Event(event.user_id, event.event_id, event.track_id, event.kind, event.occurred_at))
        else:
            rejected.append(_unknown_track(index, event))
    return usable, rejected


def _unknown_track(index: int, event: NamedEvent) -> RejectedEvent:
    name = f"{event.track_id}" if event.spotify_id is None else f"with the Spotify id {event.spotify_id}"
    return RejectedEvent(index, event.event_id, "unknown-track", f"There is no track {name}; import it first.")
