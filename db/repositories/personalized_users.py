"""Users whose models are kept up to date: which of them are outdated, and what trains their models right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.work import JobKind, WorkKind

# Every track that a user owns or did something with.
_TRACKS_OF_USER = """
    SELECT t.track_id FROM playlists p JOIN playlist_tracks t ON t.playlist_id = p.id WHERE p.user_id = :user_id
    UNION SELECT track_id FROM interactions WHERE user_id = :user_id
"""


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A version of a user's model that serves, or is kept for a roll-back."""

    kind: str
    state: str
    version: str
    size_bytes: int
    metrics: dict[str, Any]
    trained_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Training:
    """How one training of a user's model stands, or how it ended."""

    kind: str  #: Of the model.
    job_id: int
    state: str  #: Of its work item.
    finished_at: datetime | None
    result: dict[str, Any] | None
    error_code: str | None
    error_message: str | None


def is_being_removed(session: Session, user_id: int) -> bool:
    """Whether a deletion of all data of the user is live."""
    query = text("SELECT 1 FROM jobs WHERE kind = :kind AND unique_key = :key AND finished_at IS NULL")
    return session.scalar(query, {"kind": JobKind.FORGET_USER, "key": str(user_id)}) is not None


def track_ids_of_user(session: Session, user_id: int) -> list[int]:
    """The tracks in playlists of a user and those they did something with."""
    return list(session.scalars(text(_TRACKS_OF_USER), {"user_id": user_id}))


def count_under_enrichment(session: Session, user_id: int) -> int:
    """How many of a user's tracks are under live enrichment, of whichever job."""
    query = text(f"""
        SELECT count(DISTINCT l.target) FROM live_targets l JOIN ({_TRACKS_OF_USER}) t ON t.track_id = l.target
        WHERE l.kind = :kind
    """)
    return int(session.execute(query, {"user_id": user_id, "kind": WorkKind.ENRICH}).scalar_one())


def personalize(session: Session, user_id: int) -> None:
    """Keep the user's models up to date from now on."""
    session.execute(
        text("INSERT INTO personalized_users (user_id) VALUES (:id) ON CONFLICT DO NOTHING"), {"id": user_id}
    )


def mark_outdated(session: Session, user_ids: Sequence[int]) -> None:
    """Note a change of users' data just now; of users whose models nobody asked for nothing is noted."""
    session.execute(
        text("""
            WITH changed AS (
                SELECT user_id FROM personalized_users WHERE user_id = ANY(:ids) ORDER BY user_id FOR UPDATE
            )
            UPDATE personalized_users p
            SET outdated_at = coalesce(outdated_at, clock_timestamp()), changed_at = clock_timestamp()
            FROM changed c WHERE p.user_id = c.user_id
        """),
        {"ids": list(user_ids)},
    )


def mark_misfits(session: Session) -> None:
    """Mark users whose M3 was trained with what users have in common and has to do without, or the other way round."""
    query = text("""
        SELECT m.user_id FROM user_models m
        WHERE m.kind = 'm3' AND m.state = 'serving' AND m.user_id IS NOT NULL
          AND CAST(m.metrics ->> 'fine_tuned' AS boolean) <> EXISTS (
              SELECT 1 FROM user_models c WHERE c.user_id IS NULL AND c.kind = 'm3' AND c.state = 'serving')
    """)
    mark_outdated(session, session.scalars(query).all())


def clear_outdated(session: Session, user_id: int) -> None:
    """What changed so far is part of a training that begins; a later change marks the user again."""
    session.execute(
        text("UPDATE personalized_users SET outdated_at = NULL, changed_at = NULL WHERE user_id = :id"),
        {"id": user_id},
    )


def outdated_since(session: Session, user_id: int) -> datetime | None:
    """When the first change came that no training has seen."""
    query = text("SELECT outdated_at FROM personalized_users WHERE user_id = :id")
    since: datetime | None = session.scalar(query, {"id": user_id})
    return since


def due_user_ids(session: Session, quiet_s: float, longest_s: float, limit: int) -> list[int]:
    """Outdated users who were quiet for `quiet_s` seconds, or are outdated for `longest_s`, the longest first.

    A user of whom a model is being trained waits for the end of that.
    """
    query = text("""
        SELECT user_id FROM personalized_users p
        WHERE outdated_at IS NOT NULL
          AND (changed_at <= clock_timestamp() - make_interval(secs => :quiet_s)
               OR outdated_at <= clock_timestamp() - make_interval(secs => :longest_s))
          AND NOT EXISTS (SELECT 1 FROM live_targets l WHERE l.kind = :kind AND l.version IN ('m1', 'm2', 'm3')
                          AND l.target = p.user_id)
        ORDER BY outdated_at LIMIT :limit
    """)
    values = {"quiet_s": quiet_s, "longest_s": longest_s, "kind": WorkKind.TRAIN_USER, "limit": limit}
    return list(session.scalars(query, values))


def kept_models(session: Session, user_id: int) -> list[KeptModel]:
    """The versions of a user's models that serve or are kept for a roll-back."""
    query = text("""
        SELECT kind, state, version, size_bytes, metrics, trained_at, last_used_at FROM user_models
        WHERE user_id = :user_id AND state IN ('serving', 'previous')
    """)
    return [KeptModel(*row) for row in session.execute(query, {"user_id": user_id})]


def live_trainings(session: Session, user_id: int) -> dict[str, int]:
    """By kind of model: the job that trains it for the user right now, or will."""
    rows = session.execute(
        text("""
            SELECT l.version, w.job_id FROM live_targets l JOIN work_items w ON w.id = l.work_item_id
            WHERE l.kind = :kind AND l.target = :user_id AND l.version IN ('m1', 'm2', 'm3')
        """),
        {"kind": WorkKind.TRAIN_USER, "user_id": user_id},
    )
    return {row.version: row.job_id for row in rows}


def last_trainings(session: Session, user_id: int) -> dict[str, Training]:
    """By kind of model: the last training of the user that ended."""
    rows = session.execute(
        text("""
            SELECT DISTINCT ON (w.payload ->> 'version') w.payload ->> 'version', w.job_id, w.state, w.finished_at,
                w.result, w.error_code, w.error_message
            FROM jobs j JOIN work_items w ON w.job_id = j.id
            WHERE j.user_id = :user_id AND w.kind = :kind AND w.finished_at IS NOT NULL
            ORDER BY w.payload ->> 'version', w.finished_at DESC, w.id DESC
        """),
        {"user_id": user_id, "kind": WorkKind.TRAIN_USER},
    )
    return {row[0]: Training(*row) for row in rows}


def count_active_users(session: Session, min_tracks: int, limit: int) -> int:
    """How many users own, played or like at least so many tracks; counts no further than `limit`."""
    return int(
        session.execute(
            text("""
                SELECT count(*) FROM (
                    SELECT 1 FROM users u CROSS JOIN LATERAL (
                        SELECT count(*) AS tracks FROM (
                            SELECT t.track_id FROM playlists p JOIN playlist_tracks t ON t.playlist_id = p.id
                            WHERE p.user_id = u.id
                            UNION SELECT track_id FROM interactions
                            WHERE user_id = u.id AND (plays > 0 OR liked > 0)
                            EXCEPT SELECT track_id FROM interactions WHERE user_id = u.id AND liked < 0
                        ) of_user
                    ) n WHERE n.tracks >= :min_tracks LIMIT :limit
                ) active
            """),
            {"min_tracks": min_tracks, "limit": limit},
        ).scalar_one()
    )


def community_trained_at(session: Session) -> datetime | None:
    """When the model of what users have in common that serves was trained."""
    query = text("SELECT trained_at FROM user_models WHERE user_id IS NULL AND kind = 'm3' AND state = 'serving'")
    moment: datetime | None = session.scalar(query)
    return moment


def community_tried_since(session: Session, moment: datetime) -> bool:
    """Whether a training of what users have in common was started after a moment, however it ended."""
    query = text("""
        SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = :kind AND params ->> 'of' = 'community' AND created_at > :moment)
    """)
    return bool(session.scalar(query, {"kind": JobKind.TRAIN_MODEL, "moment": moment}))


def changed_since(session: Session, moment: datetime) -> bool:
    """Whether anybody's behavior changed after a moment: a playlist, or an interaction."""
    return bool(
        session.scalar(
            text("""
                SELECT EXISTS (SELECT 1 FROM interactions WHERE updated_at > :moment)
                    OR EXISTS (SELECT 1 FROM jobs WHERE kind = :import AND created_at > :moment)
            """),
            {"moment": moment, "import": JobKind.IMPORT},
        )
    )
