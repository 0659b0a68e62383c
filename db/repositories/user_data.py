"""All that is stored of one user, and its removal.

Lock order: models (`user_models.lock`), the user's row, jobs, their items (`db.repositories.work_items`). Whatever
refers to a user holds a share of that row until its transaction ends, so who has locked it sees all of it, and nothing
is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import NotNowError
from core.user_models import ModelKind, UserModelState
from core.work import JobKind, WorkKind
from db.repositories import user_models

#: Whoever waits longer keeps others of its queue waiting, such as the dispatcher.
LOCK_WAIT_S = 5.0

# Rows that go, children before parents, by table and condition. Every table that names a user is here or in
# `SCRUBBED_TABLES`; an architecture test holds it.
_REMOVED = {
    "playlist_tracks": "playlist_id IN (SELECT id FROM playlists WHERE user_id = :user_id)",
    "playlists": "user_id = :user_id",
    "interaction_events": "user_id = :user_id",
    "interactions": "user_id = :user_id",
    "personalized_users": "user_id = :user_id",
    "user_models": "user_id = :user_id",
    "dj_feedback": "user_id = :user_id",
    "live_targets": f"kind = '{WorkKind.TRAIN_USER}' AND target = :user_id",
    "users": "id = :user_id",
}
REMOVED_TABLES = tuple(_REMOVED)
#: Rows that stay as history of the ledger, without any word of the user.
SCRUBBED_TABLES = ("jobs", "work_items", "attempts")


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job of a user that has not finished."""

    id: int
    kind: JobKind


@dataclass(frozen=True, slots=True)
class CommunityVersion:
    """A model of what users have in common."""

    version: str
    trained_at: datetime


@dataclass(frozen=True, slots=True)
class DeletionRow:
    """The newest removal of a user: its job, and what that left as result; None until it is done."""

    job_id: int
    result: dict[str, Any] | None


def is_known(session: Session, user_id: int) -> bool:
    """Whether anything is stored of a user; listeners of the DJ need no row in `users`."""
    known = session.scalar(
        text("""
            SELECT EXISTS (SELECT 1 FROM users WHERE id = :user_id)
                OR EXISTS (SELECT 1 FROM dj_feedback WHERE user_id = :user_id)
        """),
        {"user_id": user_id},
    )
    return bool(known)


def lock_user(session: Session, user_id: int) -> None:
    """Wait for all who are writing about the user, and keep everybody else waiting until the transaction ends.

    Raises
    ------
    NotNowError
        `user-busy`: somebody takes longer than `LOCK_WAIT_S`. The transaction must be rolled back.
    """
    session.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": f"{LOCK_WAIT_S:g}s"})
    try:
        # First, as trainings do: whoever has files of a version on the way to its row is waited for.
        for kind in ModelKind:
            user_models.lock(session, user_id, kind)
        session.execute(text("SELECT 1 FROM users WHERE id = :user_id FOR UPDATE"), _of(user_id))
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise NotNowError(f"Somebody is writing about user {user_id}.", LOCK_WAIT_S, code="user-busy") from None
        raise


def live_jobs(session: Session, user_id: int) -> list[LiveJob]:
    """The user's jobs that have not finished. Their removal is none of them: it bears no `user_id`."""
    rows = session.execute(
        text("SELECT id, kind FROM jobs WHERE user_id = :user_id AND finished_at IS NULL ORDER BY id"),
        {"user_id": user_id},
    )
    return [LiveJob(row.id, JobKind(row.kind)) for row in rows]


def retire_models(session: Session, user_id: int) -> None:
    """Let no model of the user serve any more; their files go before these rows."""
    session.execute(
        text("""
            WITH own AS (SELECT id FROM user_models WHERE user_id = :user_id ORDER BY kind, id FOR UPDATE)
            UPDATE user_models m SET state = 'deleting' FROM own WHERE m.id = own.id
        """),
        _of(user_id),
    )


def remove_rows(session: Session, user_id: int) -> dict[str, int]:
    """Delete all rows of the user and return their number by table; the user is locked, and their jobs are scrubbed."""
    # No row of `users` stands behind feedback to the DJ: only this makes sure that none is added meanwhile.
    session.execute(text("LOCK TABLE dj_feedback IN SHARE ROW EXCLUSIVE MODE"))
    counted = "WITH gone AS (DELETE FROM {} WHERE {} RETURNING 1) SELECT count(*) FROM gone"
    return {
        table: int(session.execute(text(counted.format(table, condition)), _of(user_id)).scalar_one())
        for table, condition in _REMOVED.items()
    }


def scrub_jobs(session: Session, user_id: int) -> dict[str, int]:
    """Take the user, and all words of theirs, out of their jobs, while they are known; returns rows by table.

    States, sizes, times and error codes stay, so that counts over the ledger add up.
    """
    items = session.scalars(text(_ITEMS_OF_USER), _of(user_id)).all()
    attempts = session.execute(
        text("UPDATE attempts SET error_message = NULL WHERE work_item_id = ANY(:ids) RETURNING 1"),
        {"ids": list(items)},
    )
    session.execute(
        text("""
            UPDATE work_items
            SET payload = jsonb_build_object('targets', '[]'::jsonb, 'version', payload -> 'version'),
                result = NULL, error_message = NULL
            WHERE id = ANY(:ids)
        """),
        {"ids": list(items)},
    )
    jobs = session.execute(
        text("""
            UPDATE jobs SET user_id = NULL, unique_key = NULL, params = '{}', summary = '{}'
            WHERE user_id = :user_id RETURNING 1
        """),
        _of(user_id),
    )
    return {"jobs": len(jobs.all()), "work_items": len(items), "attempts": len(attempts.all())}


def rows_left(session: Session, user_id: int) -> dict[str, int]:
    """The tables that still hold something of the user, and how many rows; empty once all is gone."""
    conditions = _REMOVED | {"jobs": "user_id = :user_id"}
    counts = ", ".join(
        f"(SELECT count(*) FROM {table} WHERE {condition}) AS {table}" for table, condition in conditions.items()
    )
    row = session.execute(text(f"SELECT {counts}"), _of(user_id)).mappings().one()
    return {table: n for table, n in row.items() if n}


def note_cancelled(session: Session, job_id: int, n_jobs: int) -> None:
    """Add to the cancelled jobs in the notes of a removal: its job's summary, which an interruption does not lose."""
    session.execute(
        text("""
            UPDATE jobs SET summary = summary || jsonb_build_object(
                'cancelled_jobs', coalesce((summary ->> 'cancelled_jobs')::int, 0) + :n)
            WHERE id = :job_id
        """),
        {"job_id": job_id, "n": n_jobs},
    )


def note_files(session: Session, job_id: int, files: int, size_bytes: int) -> None:
    """Note what lies in the user's folders before it is removed; where less is left than was noted, the notes stay."""
    session.execute(
        text("""
            UPDATE jobs SET summary = summary || jsonb_build_object(
                'files', greatest((summary ->> 'files')::int, :files),
                'bytes', greatest((summary ->> 'bytes')::bigint, :size_bytes))
            WHERE id = :job_id
        """),
        {"job_id": job_id, "files": files, "size_bytes": size_bytes},
    )


def read_notes(session: Session, job_id: int) -> dict[str, int]:
    """The notes of a removal: `cancelled_jobs`, `files` and their `bytes`."""
    notes = session.execute(text("SELECT summary FROM jobs WHERE id = :job_id"), {"job_id": job_id}).scalar_one()
    return {name: notes[name] for name in ("cancelled_jobs", "files", "bytes")}


def write_receipt(session: Session, job_id: int, receipt: dict[str, Any]) -> None:
    """Let the receipt take the place of the notes."""
    session.execute(
        text("UPDATE jobs SET summary = :receipt WHERE id = :job_id").bindparams(bindparam("receipt", type_=JSONB)),
        {"job_id": job_id, "receipt": receipt},
    )


def newest_deletion(session: Session, user_id: int) -> DeletionRow | None:
    """The last removal that somebody asked for, running or done."""
    row = session.execute(
        text("""
            SELECT j.id, w.result FROM jobs j LEFT JOIN work_items w ON w.job_id = j.id
            WHERE j.kind = :kind AND (j.params ->> 'user_id')::bigint = :user_id ORDER BY j.id DESC LIMIT 1
        """),
        {"kind": JobKind.FORGET_USER, "user_id": user_id},
    ).one_or_none()
    return None if row is None else DeletionRow(*row)


def community_versions(session: Session) -> list[CommunityVersion]:
    """What was learned of all users and is kept, the newest first."""
    rows = session.execute(
        text("SELECT version, trained_at FROM user_models WHERE user_id IS NULL ORDER BY trained_at DESC, id DESC")
    )
    return [CommunityVersion(*row) for row in rows]


def community_knows_removed(session: Session, training_s: float) -> bool:
    """Whether a model of all users that is kept may have been trained with the behavior of a user who was removed.

    A training takes at most `training_s` seconds, and read what it learned from at its beginning.
    """
    known = session.scalar(
        text(f"SELECT EXISTS (SELECT 1 FROM user_models m WHERE m.state <> 'deleting' AND {_KNOWS_REMOVED})"),
        {"longest": training_s},
    )
    return bool(known)


def retire_community(session: Session, training_s: float, states: Sequence[UserModelState]) -> None:
    """Let no model of all users in these states come back that may know a user who was removed."""
    session.execute(
        text(f"UPDATE user_models m SET state = 'deleting' WHERE m.state = ANY(:states) AND {_KNOWS_REMOVED}"),
        {"longest": training_s, "states": list(states)},
    )


_KNOWS_REMOVED = f"""
    m.user_id IS NULL AND EXISTS (
        SELECT 1 FROM jobs j
        WHERE j.kind = '{JobKind.FORGET_USER}' AND j.finished_at > m.trained_at - make_interval(secs => :longest))
"""
_ITEMS_OF_USER = "SELECT w.id FROM work_items w JOIN jobs j ON j.id = w.job_id WHERE j.user_id = :user_id"


def _of(user_id: int) -> dict[str, int]:
    return {"user_id": user_id}
