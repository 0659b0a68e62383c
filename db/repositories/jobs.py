"""Jobs as people see them: progress by counting, cancel, retry, replay."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.work import JobState, WorkState
from db.repositories.work_items import advance, lock_job


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A job and the count over its items. `items` counts work items, `targets` what they work on (tracks)."""

    id: int
    kind: str
    user_id: int | None
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    params: dict[str, Any]
    summary: dict[str, Any]
    items: dict[str, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    total: int = 0  #: targets in all items
    done: int = 0  #: targets of items that ended, in whatever way
    errors: dict[str, int] = field(default_factory=dict)  #: items that failed or are quarantined, by error code
    rate_per_s: float | None = None  #: targets ended per second; lately, or over the whole job once it finished
    eta_s: float | None = None


_PROGRESS = """
    SELECT j.*, c.items, c.targets, c.claimed, e.errors, r.recent, r.window_s, r.busy_s
    FROM ({jobs}) j
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(state, n) AS items, jsonb_object_agg(state, size) AS targets, sum(claimed) AS claimed
        FROM (SELECT state, count(*) AS n, sum(size) AS size, count(*) FILTER (WHERE fence > 0) AS claimed
              FROM work_items WHERE job_id = j.id GROUP BY state) s
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(code, n) AS errors
        FROM (SELECT coalesce(error_code, 'unexpected') AS code, count(*) AS n FROM work_items
              WHERE job_id = j.id AND state IN ('failed', 'quarantined') GROUP BY 1) s
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT sum(size) FILTER (WHERE finished_at > clock_timestamp() - interval '15 s') AS recent,
               least(15, extract(epoch FROM clock_timestamp() - j.created_at)) AS window_s,
               extract(epoch FROM max(finished_at) - j.created_at) AS busy_s
        FROM work_items WHERE job_id = j.id AND finished_at IS NOT NULL
    ) r ON true
    ORDER BY j.id DESC
"""


def list_jobs(session: Session, *, limit: int, before_id: int | None = None) -> list[JobProgress]:
    """The newest jobs first; `before_id` pages back."""
    jobs = "SELECT * FROM jobs WHERE id < coalesce(:before_id, 9223372036854775807) ORDER BY id DESC LIMIT :limit"
    rows = session.execute(text(_PROGRESS.format(jobs=jobs)), {"limit": limit, "before_id": before_id})
    return [_progress(row) for row in rows]


def job_progress(session: Session, job_id: int) -> JobProgress | None:
    """One job, or `None` where there is no such job."""
    row = session.execute(
        text(_PROGRESS.format(jobs="SELECT * FROM jobs WHERE id = :job_id")), {"job_id": job_id}
    ).one_or_none()
    return None if row is None else _progress(row)


def cancel_job(session: Session, job_id: int) -> int:
    """Cancel whatever of the job is live and return how many items that were. Workers holding one cannot commit."""
    lock_job(session, job_id)
    cancelled = session.scalars(
        text("""
            UPDATE work_items
            SET state = 'cancelled', fence = fence + 1, lease_until = NULL, finished_at = clock_timestamp()
            WHERE job_id = :job_id AND state IN ('waiting', 'queued', 'running') RETURNING id
        """),
        {"job_id": job_id},
    ).all()
    _end_open_attempts(session, cancelled)
    session.execute(text("DELETE FROM live_targets WHERE work_item_id = ANY(:ids)"), {"ids": list(cancelled)})
    session.execute(
        text("""
            UPDATE jobs SET cancelled_at = clock_timestamp(), finished_at = clock_timestamp()
            WHERE id = :job_id AND finished_at IS NULL
        """),
        {"job_id": job_id},
    )
    return len(cancelled)


def replay_items(session: Session, job_id: int, item_ids: Sequence[int]) -> list[int]:
    """Queue failed or quarantined items of one job again, with fresh counters; returns those replayed.

    An item is left alone where another live item works on one of its targets.
    """
    lock_job(session, job_id)
    free = [item_id for item_id in item_ids if _reserve_again(session, item_id)]
    session.execute(
        text("""
            UPDATE work_items
            SET state = 'queued', attempts = 0, losses = 0, next_run_at = clock_timestamp(), dispatched_at = NULL,
                finished_at = NULL, error_code = NULL, error_message = NULL
            WHERE id = ANY(:ids)
        """),
        {"ids": free},
    )
    if free:
        session.execute(
            text("UPDATE jobs SET finished_at = NULL, unique_key = NULL WHERE id = :job_id"), {"job_id": job_id}
        )
    advance(session, job_id)
    return free


def troubled_items(session: Session, job_id: int) -> list[int]:
    """The failed and quarantined items of a job."""
    return list(
        session.scalars(
            text("SELECT id FROM work_items WHERE job_id = :job_id AND state IN ('failed', 'quarantined') ORDER BY id"),
            {"job_id": job_id},
        )
    )


def _end_open_attempts(session: Session, item_ids: Sequence[int]) -> None:
    session.execute(
        text("""
            UPDATE attempts SET ended_at = clock_timestamp(), outcome = 'cancelled'
            WHERE work_item_id = ANY(:ids) AND outcome IS NULL
        """),
        {"ids": list(item_ids)},
    )


def _reserve_again(session: Session, item_id: int) -> bool:
    """Take the item's targets back. All or none: a nested transaction undoes a part."""
    with session.begin_nested() as nested:
        taken = session.execute(
            text("""
                WITH wanted AS (
                    SELECT w.id, w.kind, w.payload ->> 'version' AS version, t.target::bigint AS target
                    FROM work_items w, jsonb_array_elements_text(w.payload -> 'targets') AS t (target)
                    WHERE w.id = :item_id AND w.state IN ('failed', 'quarantined')
                ), reserved AS (
                    INSERT INTO live_targets (kind, version, target, work_item_id)
                    SELECT kind, version, target, id FROM wanted ORDER BY target
                    ON CONFLICT DO NOTHING RETURNING 1
                )
                SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM reserved)
            """),
            {"item_id": item_id},
        ).one()
        if taken[0] and taken[0] == taken[1]:
            return True
        nested.rollback()
        return False


def _progress(row: Row[Any]) -> JobProgress:
    items, targets = row.items or {}, {state: int(size) for state, size in (row.targets or {}).items()}
    total = sum(targets.values())
    done = sum(size for state, size in targets.items() if state not in ("waiting", "queued", "running"))
    rate = _rate(row, done)
    return JobProgress(
        id=row.id,
        kind=row.kind,
        user_id=row.user_id,
        state=_state(row, items),
        created_at=row.created_at,
        finished_at=row.finished_at,
        params=row.params,
        summary=row.summary,
        items=items,
        targets=targets,
        total=total,
        done=done,
        errors=row.errors or {},
        rate_per_s=rate,
        eta_s=(total - done) / rate if rate and row.finished_at is None else None,
    )


def _rate(row: Row[Any], done: int) -> float | None:
    if row.finished_at is None:
        return float(row.recent) / max(float(row.window_s), 0.1) if row.recent else None
    return done / max(float(row.busy_s), 0.001) if done else None


def _state(row: Row[Any], items: dict[str, int]) -> JobState:
    if row.cancelled_at is not None:
        return JobState.CANCELLED
    if row.finished_at is None:
        return JobState.RUNNING if row.claimed else JobState.QUEUED
    troubled = items.get(WorkState.FAILED, 0) + items.get(WorkState.QUARANTINED, 0)
    return JobState.FAILED if troubled else JobState.DONE
