"""Work items as operators see them: lists by state, one item with its attempts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from core.work import WorkState

_COLUMNS = """id, job_id, kind, stage, state, size, attempts, losses, worker, error_code, error_message,
              created_at, next_run_at, dispatched_at, lease_until, finished_at"""


def list_items(
    session: Session, *, state: WorkState | None, job_id: int | None, limit: int, after_id: int = 0
) -> Sequence[RowMapping]:
    """Items in the order of their ids, without their payloads; `after_id` pages on."""
    return (
        session.execute(
            text(f"""
                SELECT {_COLUMNS} FROM work_items
                WHERE id > :after_id
                  AND (CAST(:state AS text) IS NULL OR state = :state)
                  AND (CAST(:job_id AS bigint) IS NULL OR job_id = :job_id)
                ORDER BY id LIMIT :limit
            """),
            {"state": state, "job_id": job_id, "limit": limit, "after_id": after_id},
        )
        .mappings()
        .all()
    )


def get_item(session: Session, item_id: int) -> dict[str, Any] | None:
    """One item with its payload, result and attempts (oldest first), or `None`."""
    row = (
        session.execute(text(f"SELECT {_COLUMNS}, payload, result FROM work_items WHERE id = :id"), {"id": item_id})
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    attempts = session.execute(
        text("""
            SELECT fence, worker, started_at, ended_at, outcome, error_code, error_message
            FROM attempts WHERE work_item_id = :id ORDER BY fence
        """),
        {"id": item_id},
    ).mappings()
    return {**row, "attempt_history": [dict(attempt) for attempt in attempts]}
