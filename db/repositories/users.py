"""Rows of `users`: who there is, and how writers and the removal of a user keep out of each other's way.

Whoever writes about a user keeps them, until the transaction ends; whoever removes them waits for all who do, and then
lets nobody in (`db.repositories.user_data.lock_user`).
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session


def user_exists(session: Session, user_id: int) -> bool:
    """Whether there is such a user."""
    return session.scalar(text("SELECT 1 FROM users WHERE id = :id"), {"id": user_id}) is not None


def keep_user(session: Session, user_id: int) -> bool:
    """Whether the user exists; then they cannot be removed before the transaction ends."""
    return session.scalar(text("SELECT 1 FROM users WHERE id = :id FOR KEY SHARE"), {"id": user_id}) is not None


def lock_user(session: Session, user_id: int) -> bool:
    """Whether the user exists; then nobody else can start trainings for them before the transaction ends."""
    query = text("SELECT 1 FROM users WHERE id = :id FOR NO KEY UPDATE")
    return session.scalar(query, {"id": user_id}) is not None


def add_users(session: Session, user_ids: Sequence[int]) -> None:
    """Create users that are not known, and keep all of them until the transaction ends."""
    ids = {"ids": sorted(set(user_ids))}
    kept: set[int] = set()
    # A second round where one was removed between the two statements.
    while kept != set(ids["ids"]):
        session.execute(
            text("INSERT INTO users (id) SELECT unnest(CAST(:ids AS bigint[])) ON CONFLICT DO NOTHING"), ids
        )
        kept = set(session.scalars(text("SELECT id FROM users WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE"), ids))
