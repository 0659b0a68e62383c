"""What the dispatcher asks of the ledger: which items need a message, and whose worker is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from db.repositories.work_items import advance, free_targets, lock_job


@dataclass(frozen=True, slots=True)
class Due:
    """An item that needs a message."""

    item_id: int
    kind: str


def count_outstanding(session: Session, kinds: Sequence[str]) -> int:
    """Messages believed to be on their way: dispatched items nobody claimed yet."""
    return int(
        session.execute(
            text("""
                SELECT count(*) FROM work_items
                WHERE state = 'queued' AND kind = ANY(:kinds) AND dispatched_at IS NOT NULL
            """),
            {"kinds": list(kinds)},
        ).scalar_one()
    )


def take_due(session: Session, kinds: Sequence[str], limit: int) -> list[Due]:
    """Mark up to `limit` due items as dispatched and return them, oldest first. Dispatchers never share one."""
    return _mark(
        session,
        """
        SELECT id FROM work_items
        WHERE state = 'queued' AND kind = ANY(:kinds) AND next_run_at <= clock_timestamp() AND dispatched_at IS NULL
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        {"kinds": list(kinds), "limit": limit},
    )


def take_overdue(session: Session, kinds: Sequence[str], older_than_s: float, limit: int) -> list[Due]:
    """Like `take_due`, for items whose message was sent at least `older_than_s` seconds ago and never arrived."""
    return _mark(
        session,
        """
        SELECT id FROM work_items
        WHERE state = 'queued' AND kind = ANY(:kinds)
          AND dispatched_at <= clock_timestamp() - make_interval(secs => :older_than_s)
        ORDER BY dispatched_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        {"kinds": list(kinds), "older_than_s": older_than_s, "limit": limit},
    )


def forget_dispatch(session: Session, item_ids: Sequence[int]) -> None:
    """Undo `take_due` for items whose message could not be sent."""
    session.execute(
        text("UPDATE work_items SET dispatched_at = NULL WHERE id = ANY(:ids) AND state = 'queued'"),
        {"ids": list(item_ids)},
    )


def requeue_lost(session: Session, max_losses: int, limit: int) -> int:
    """Queue items again whose lease ran out, and note the loss; those lost too often are left to `quarantine_lost`."""
    lost = session.execute(
        text("""
            WITH expired AS (
                SELECT id, fence FROM work_items
                WHERE state = 'running' AND lease_until < clock_timestamp() AND losses + 1 < :max_losses
                ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
            ), logged AS (
                UPDATE attempts a SET ended_at = clock_timestamp(), outcome = 'lost', error_code = 'worker-lost'
                FROM expired e WHERE a.work_item_id = e.id AND a.fence = e.fence
            )
            UPDATE work_items w
            SET state = 'queued', losses = losses + 1, dispatched_at = NULL, lease_until = NULL,
                next_run_at = clock_timestamp(), error_code = 'worker-lost'
            FROM expired e WHERE w.id = e.id
            RETURNING w.id
        """),
        {"max_losses": max_losses, "limit": limit},
    )
    return len(lost.all())


def quarantine_lost(session: Session, max_losses: int, limit: int) -> int:
    """Quarantine items whose workers died `max_losses` times, and let their jobs go on without them."""
    quarantined = 0
    for row in _lost_too_often(session, max_losses, limit):
        lock_job(session, row.job_id)
        if _quarantine(session, row.id, row.fence):
            free_targets(session, row.id)
            advance(session, row.job_id)
            quarantined += 1
    return quarantined


def _lost_too_often(session: Session, max_losses: int, limit: int) -> Sequence[Row[Any]]:
    return session.execute(
        text("""
            SELECT id, job_id, fence FROM work_items
            WHERE state = 'running' AND lease_until < clock_timestamp() AND losses + 1 >= :max_losses
            ORDER BY job_id, id LIMIT :limit
        """),
        {"max_losses": max_losses, "limit": limit},
    ).all()


def _quarantine(session: Session, item_id: int, fence: int) -> bool:
    ended = session.execute(
        text("""
            WITH ended AS (
                UPDATE work_items
                SET state = 'quarantined', losses = losses + 1, lease_until = NULL, finished_at = clock_timestamp(),
                    error_code = 'worker-lost',
                    error_message = 'The worker died ' || (losses + 1) || ' times while it held this item.'
                WHERE id = :item_id AND fence = :fence AND state = 'running' AND lease_until < clock_timestamp()
                RETURNING id, fence
            )
            UPDATE attempts a SET ended_at = clock_timestamp(), outcome = 'lost', error_code = 'worker-lost'
            FROM ended e WHERE a.work_item_id = e.id AND a.fence = e.fence
            RETURNING 1
        """),
        {"item_id": item_id, "fence": fence},
    )
    return ended.scalar() is not None


def _mark(session: Session, selection: str, parameters: dict[str, Any]) -> list[Due]:
    rows = session.execute(
        text(f"""
            WITH due AS ({selection})
            UPDATE work_items w SET dispatched_at = clock_timestamp() FROM due WHERE w.id = due.id
            RETURNING w.id, w.kind
        """),
        parameters,
    )
    return [Due(*row) for row in sorted(rows)]
