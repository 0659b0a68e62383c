"""What users did with tracks: events stored once, added up for each user and track.

Lock order, in every transaction: users, events, sums, `personalized_users`; within each by ascending key. So requests
at once never wait for one another in a circle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEEP = "FOR KEY SHARE"


@dataclass(frozen=True, slots=True)
class Event:
    """Something a user did; `kind` is one of `core.user_models.EventKind`, `occurred_at` knows its zone.

    `event_id` is printable ASCII without blanks.
    """

    user_id: int
    event_id: str
    track_id: int
    kind: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """What `add_events` did."""

    events: int  #: Those that were not stored before.
    user_ids: list[int]  #: Whose they are, ascending.


def known_track_ids(session: Session, track_ids: Sequence[int], *, keep: bool) -> set[int]:
    """Those of the tracks that exist; with `keep` they cannot vanish before the transaction ends."""
    query = text(f"SELECT id FROM tracks WHERE id = ANY(:ids) ORDER BY id {_KEEP if keep else ''}")
    return set(session.scalars(query, {"ids": sorted(set(track_ids))}))


def track_ids_of(session: Session, spotify_ids: Sequence[str], *, keep: bool) -> dict[str, int]:
    """The track of each Spotify id that is known; with `keep` they cannot vanish before the transaction ends."""
    query = text(f"SELECT spotify_id, id FROM tracks WHERE spotify_id = ANY(:ids) ORDER BY id {_KEEP if keep else ''}")
    return {row.spotify_id: row.id for row in session.execute(query, {"ids": sorted(set(spotify_ids))})}


def count_stored(session: Session, events: Sequence[Event]) -> int:
    """How many different events of these are stored."""
    query = text("""
        SELECT count(*) FROM interaction_events WHERE (user_id, event_id) IN (
            SELECT * FROM unnest(CAST(:user_ids AS bigint[]), string_to_array(:event_ids, ' ')))
    """)
    return int(session.execute(query, _names(events)).scalar_one())


# Of two likes of the same moment the one received last counts.
_ADD = text("""
    WITH sent AS (
        SELECT * FROM unnest(CAST(:user_ids AS bigint[]), string_to_array(:event_ids, ' '),
                             CAST(:track_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:times AS timestamptz[]))
            WITH ORDINALITY AS s (user_id, event_id, track_id, kind, occurred_at, place)
    ), new AS (
        INSERT INTO interaction_events (user_id, event_id, track_id, kind, occurred_at)
        SELECT user_id, event_id, track_id, kind, occurred_at FROM sent ORDER BY user_id, event_id, place
        ON CONFLICT DO NOTHING RETURNING user_id, event_id, track_id, kind, occurred_at
    ), placed AS (
        SELECT new.*, p.place FROM new
        JOIN (SELECT user_id, event_id, min(place) AS place FROM sent GROUP BY 1, 2) p USING (user_id, event_id)
    ), added AS (
        INSERT INTO interactions AS i (user_id, track_id, plays, skips, liked, liked_at, last_played_at)
        SELECT user_id, track_id, count(*) FILTER (WHERE kind = 'play'), count(*) FILTER (WHERE kind = 'skip'),
            coalesce((array_agg(CASE kind WHEN 'like' THEN 1 WHEN 'dislike' THEN -1 ELSE 0 END
                                ORDER BY occurred_at DESC, place DESC) FILTER (WHERE kind NOT IN ('play', 'skip')))[1],
                     0),
            max(occurred_at) FILTER (WHERE kind NOT IN ('play', 'skip')),
            max(occurred_at) FILTER (WHERE kind = 'play')
        FROM placed GROUP BY user_id, track_id ORDER BY user_id, track_id
        ON CONFLICT (user_id, track_id) DO UPDATE SET
            plays = i.plays + excluded.plays,
            skips = i.skips + excluded.skips,
            liked = CASE WHEN excluded.liked_at >= coalesce(i.liked_at, '-infinity') THEN excluded.liked
                         ELSE i.liked END,
            liked_at = greatest(i.liked_at, excluded.liked_at),
            last_played_at = greatest(i.last_played_at, excluded.last_played_at),
            updated_at = now()
    )
    SELECT user_id, count(*) FROM new GROUP BY user_id ORDER BY user_id
""")


def add_events(session: Session, events: Sequence[Event]) -> Stored:
    """Store events that are not stored yet and add them up; users and tracks must exist.

    An event is known by its user and id: of several, the first one counts. Likes are what the latest event says, by the
    time it occurred and not by the time it came.
    """
    rows = session.execute(
        _ADD,
        {
            **_names(events),
            "track_ids": _array(str(event.track_id) for event in events),
            "kinds": _array(event.kind for event in events),
            "times": _array(event.occurred_at.isoformat() for event in events),
        },
    ).all()
    return Stored(sum(count for _, count in rows), [user_id for user_id, _ in rows])


def _names(events: Sequence[Event]) -> dict[str, str]:
    # Ids may hold what an array would have to escape.
    return {
        "user_ids": _array(str(event.user_id) for event in events),
        "event_ids": " ".join(event.event_id for event in events),
    }


def _array(values: Iterable[str]) -> str:
    """An array as Postgres reads it, of values without special characters: lists cost the driver four times as much."""
    return f"{{{','.join(values)}}}"
