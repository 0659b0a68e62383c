"""Versions of models of users: which one serves, which one is kept for a roll-back, which ones are on their way out.

`lock` comes first wherever the versions of a user and kind are about to change: it keeps a training, a roll-back and
the clean-up apart. Use takes no such lock; `touch` and `mark_unused` exclude each other by the locks of rows.

Rows are locked by kind, then by id: an answer, which notes the use of one model after the other, and who changes
several at once never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.user_models import ModelKind, UserModelState
from db.repositories.users import keep_user

_COLUMNS = "id, user_id, kind, version, state, path, sha256, size_bytes, metrics, trained_at, last_used_at"


@dataclass(frozen=True, slots=True)
class UserModelRow:
    """A version of a model."""

    id: int
    user_id: int | None  #: `None`: of what all users have in common.
    kind: ModelKind
    version: str
    state: UserModelState
    path: str
    sha256: str
    size_bytes: int
    metrics: dict[str, Any]
    trained_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is recorded of a version that was just written."""

    user_id: int | None
    kind: ModelKind
    version: str
    path: str
    sha256: str
    size_bytes: int
    metrics: dict[str, Any]


def lock(session: Session, user_id: int | None, kind: ModelKind) -> None:
    """Keep everybody else from changing the versions of a user and kind until the end of the transaction."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), _key(user_id, kind))


def try_lock(session: Session, user_id: int | None, kind: ModelKind) -> bool:
    """As `lock`, unless somebody else has it; says whether it was taken."""
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
    return bool(session.scalar(query, _key(user_id, kind)))


def find(session: Session, user_id: int | None, kind: ModelKind, state: UserModelState) -> UserModelRow | None:
    """The version that serves, or the one kept for a roll-back."""
    query = text(f"SELECT {_COLUMNS} FROM user_models WHERE {_of(user_id)} AND state = :state")
    row = session.execute(query, {"user_id": user_id, "kind": kind, "state": state}).one_or_none()
    return None if row is None else _row(row)


def find_by_path(session: Session, path: str) -> UserModelRow | None:
    """The version that lies in a folder."""
    query = text(f"SELECT {_COLUMNS} FROM user_models WHERE path = :path")
    row = session.execute(query, {"path": path}).one_or_none()
    return None if row is None else _row(row)


def push(session: Session, new: NewVersion) -> UserModelRow | None:
    """Let a new version serve; the one before is kept, the one before that is marked for deletion.

    It inherits the last use of the versions before it: to be trained anew is no use. `None`: the
    user is gone, and nothing changed. A user who is there cannot be removed before the transaction ends.
    """
    values = asdict(new)
    if new.user_id is not None and not keep_user(session, new.user_id):
        return None
    _lock_rows(session, new.user_id, new.kind)
    set_state = f"UPDATE user_models SET state = :next WHERE {_of(new.user_id)} AND state = :state"
    for state, following in (
        (UserModelState.PREVIOUS, UserModelState.DELETING),
        (UserModelState.SERVING, UserModelState.PREVIOUS),
    ):
        session.execute(text(set_state), {**values, "state": state, "next": following})
    insert = text(f"""
        INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes, metrics, last_used_at)
        SELECT :user_id, :kind, :version, 'serving', :path, :sha256, :size_bytes, :metrics, coalesce(
            (SELECT max(last_used_at) FROM user_models WHERE {_of(new.user_id)} AND state <> 'deleting'), now()
        ) RETURNING {_COLUMNS}
    """).bindparams(bindparam("metrics", type_=JSONB))
    return _row(session.execute(insert, values).one())


def swap(session: Session, serving: UserModelRow, previous: UserModelRow) -> None:
    """Let the two versions of a user and kind change places."""
    _lock_rows(session, serving.user_id, serving.kind)
    # One statement would meet the index that allows one serving version, which looks at every row by itself.
    for row, state in (
        (previous, UserModelState.DELETING),
        (serving, UserModelState.PREVIOUS),
        (previous, UserModelState.SERVING),
    ):
        set_state(session, row.id, state)


def set_state(session: Session, row_id: int, state: UserModelState) -> None:
    """Change the state of a version."""
    session.execute(text("UPDATE user_models SET state = :state WHERE id = :id"), {"id": row_id, "state": state})


def touch(session: Session, row_id: int) -> bool:
    """Note that a version is used, in writing at most once an hour; says whether it still may be.

    What is read comes from the moment the statement began; the UPDATE waits for others that change the row, and looks
    again at the state alone. So a version that a clean-up marks in between counts as gone, and one whose use somebody
    else notes in between does not.
    """
    query = text("""
        WITH noted AS (
            SELECT last_used_at >= now() - interval '1 hour' AS lately FROM user_models
            WHERE id = :id AND state <> 'deleting'
        ), touched AS (
            UPDATE user_models SET last_used_at = greatest(last_used_at, now())
            WHERE id = :id AND state <> 'deleting' AND NOT (SELECT lately FROM noted) RETURNING id
        )
        SELECT EXISTS (SELECT FROM touched) OR EXISTS (SELECT FROM noted WHERE lately)
    """)
    return bool(session.scalar(query, {"id": row_id}))


def touch_all(session: Session, user_id: int) -> None:
    """Note a use of every model of a user: somebody asked for them by name."""
    session.execute(
        text("""
            WITH kept AS (
                SELECT id FROM user_models WHERE user_id = :user_id AND state <> 'deleting'
                ORDER BY kind, id FOR NO KEY UPDATE
            )
            UPDATE user_models m SET last_used_at = greatest(last_used_at, now()) FROM kept WHERE m.id = kept.id
        """),
        {"user_id": user_id},
    )


def unused(session: Session, days: int) -> list[UserModelRow]:
    """All versions of users and kinds of which none was used within the days.

    What all users have in common never counts as unused.
    """
    query = text(f"""
        SELECT {_COLUMNS} FROM (
            SELECT *, max(last_used_at) OVER (PARTITION BY user_id, kind) AS newest_use FROM user_models
            WHERE user_id IS NOT NULL AND state <> 'deleting'
        ) m WHERE newest_use < now() - make_interval(days => :days) ORDER BY user_id, kind, id
    """)
    return [_row(row) for row in session.execute(query, {"days": days})]


def mark_unused(session: Session, user_id: int, kind: ModelKind, days: int) -> list[UserModelRow]:
    """Mark all versions of a user and kind for deletion unless one was used by now; returns those it marked."""
    # The locks come first and by themselves: only a statement that begins after them sees what use noted before them.
    _lock_rows(session, user_id, kind)
    query = text(f"""
        UPDATE user_models SET state = 'deleting' WHERE {_of(user_id)} AND state <> 'deleting' AND NOT EXISTS (
            SELECT FROM user_models WHERE {_of(user_id)} AND state <> 'deleting'
                AND last_used_at >= now() - make_interval(days => :days)
        ) RETURNING {_COLUMNS}
    """)
    return [_row(row) for row in session.execute(query, {"user_id": user_id, "kind": kind, "days": days})]


def marked(session: Session, user_id: int | None, kind: ModelKind) -> list[UserModelRow]:
    """The versions of a user and kind that are marked for deletion."""
    query = text(f"SELECT {_COLUMNS} FROM user_models WHERE {_of(user_id)} AND state = 'deleting' ORDER BY id")
    return [_row(row) for row in session.execute(query, {"user_id": user_id, "kind": kind})]


def all_marked(session: Session) -> list[UserModelRow]:
    """All versions that are marked for deletion."""
    query = text(f"SELECT {_COLUMNS} FROM user_models WHERE state = 'deleting' ORDER BY id")
    return [_row(row) for row in session.execute(query)]


def remove(session: Session, row_ids: Sequence[int]) -> set[int]:
    """Forget versions whose files are gone; returns those that were known."""
    return set(
        session.scalars(text("DELETE FROM user_models WHERE id = ANY(:ids) RETURNING id"), {"ids": list(row_ids)})
    )


def all_paths(session: Session) -> dict[str, UserModelState]:
    """The folders of all versions with their states."""
    rows = session.execute(text("SELECT path, state FROM user_models"))
    return {path: UserModelState(state) for path, state in rows}


def _of(user_id: int | None) -> str:
    """SQL: the rows of a user and kind. IS NOT DISTINCT FROM would say it in one, and use no index."""
    return f"user_id {'IS NULL' if user_id is None else '= :user_id'} AND kind = :kind"


def _lock_rows(session: Session, user_id: int | None, kind: ModelKind) -> None:
    query = text(f"SELECT id FROM user_models WHERE {_of(user_id)} ORDER BY id FOR UPDATE")
    session.execute(query, {"user_id": user_id, "kind": kind})


def _key(user_id: int | None, kind: ModelKind) -> dict[str, str]:
    return {"key": f"user-model:{user_id}:{kind}"}


def _row(row: Row[Any]) -> UserModelRow:
    return UserModelRow(**{**row._mapping, "kind": ModelKind(row.kind), "state": UserModelState(row.state)})
