"""Work items: claimed under a lease and a fence, finished exactly once.

Lock order, everywhere: the job's row before the rows of its items. `claim`, `extend_lease`, `retry_later` and
`postpone` touch one item and no job, so they cannot close a cycle.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.work import AttemptOutcome, WorkState


@dataclass(frozen=True, slots=True)
class Claim:
    """A work item in the hands of this worker. `fence` proves it: a newer claim has a higher one."""

    item_id: int
    job_id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    fence: int


class StaleClaimError(Exception):
    """The item was cancelled, or claimed by somebody else, since this claim: nothing of it may be committed."""


_CLAIM = text("""
    WITH claimed AS (
        UPDATE work_items
        SET state = 'running', attempts = attempts + 1, fence = fence + 1, worker = :worker,
            lease_until = clock_timestamp() + make_interval(secs => :lease_s)
        WHERE id = :item_id AND state = 'queued' AND next_run_at <= clock_timestamp()
        RETURNING id, job_id, kind, payload, attempts, fence
    ), logged AS (
        INSERT INTO attempts (work_item_id, fence, worker, started_at)
        SELECT id, fence, :worker, clock_timestamp() FROM claimed
    )
    SELECT id, job_id, kind, payload, attempts, fence FROM claimed
""")


def claim(session: Session, item_id: int, worker: str, lease_s: float) -> Claim | None:
    """Take the item if it is queued and due. `None`: somebody else has it, it ended, or it is not due yet."""
    row = session.execute(_CLAIM, {"item_id": item_id, "worker": worker, "lease_s": lease_s}).one_or_none()
    return None if row is None else Claim(*row)


def extend_lease(session: Session, held: Claim, lease_s: float) -> bool:
    """Hold the item for another `lease_s` seconds. False: the claim is stale."""
    extended = session.execute(
        text("""
            UPDATE work_items SET lease_until = clock_timestamp() + make_interval(secs => :lease_s)
            WHERE id = :item_id AND fence = :fence AND state = 'running' RETURNING 1
        """),
        {"item_id": held.item_id, "fence": held.fence, "lease_s": lease_s},
    )
    return extended.scalar() is not None


def finish(session: Session, held: Claim, result: dict[str, Any]) -> None:
    """Mark the item done, in the transaction that holds its results, and release the next stage if it was the last.

    Raises
    ------
    StaleClaimError
        The fence moved on; the caller must roll back.
    """
    _end(session, held, WorkState.DONE, AttemptOutcome.DONE, result=result)


def fail(session: Session, held: Claim, code: str, message: str) -> None:
    """Mark the item failed for good. Raises `StaleClaimError` like `finish`."""
    _end(session, held, WorkState.FAILED, AttemptOutcome.FAILED, code=code, message=message)


def retry_later(session: Session, held: Claim, delay_s: float, code: str, message: str) -> None:
    """Queue the item again, due in `delay_s` seconds. Raises `StaleClaimError` like `finish`."""
    queued = session.execute(
        text("""
            UPDATE work_items
            SET state = 'queued', next_run_at = clock_timestamp() + make_interval(secs => :delay_s),
                dispatched_at = NULL, lease_until = NULL, error_code = :code, error_message = :message
            WHERE id = :item_id AND fence = :fence AND state = 'running' RETURNING 1
        """),
        {"item_id": held.item_id, "fence": held.fence, "delay_s": delay_s, "code": code, "message": message},
    )
    if queued.scalar() is None:
        raise StaleClaimError
    _end_attempt(session, held, AttemptOutcome.RETRY, code, message)


def postpone(session: Session, held: Claim, delay_s: float, code: str, message: str) -> None:
    """Queue the item again as if it had not been claimed: waiting for a provider is no failed attempt.

    Raises `StaleClaimError` like `finish`.
    """
    queued = session.execute(
        text("""
            WITH postponed AS (
                UPDATE work_items
                SET state = 'queued', next_run_at = clock_timestamp() + make_interval(secs => :delay_s),
                    attempts = attempts - 1, dispatched_at = NULL, lease_until = NULL,
                    error_code = :code, error_message = :message
                WHERE id = :item_id AND fence = :fence AND state = 'running' RETURNING id, fence
            ), unlogged AS (
                DELETE FROM attempts a USING postponed p WHERE a.work_item_id = p.id AND a.fence = p.fence
            )
            SELECT 1 FROM postponed
        """),
        {"item_id": held.item_id, "fence": held.fence, "delay_s": delay_s, "code": code, "message": message},
    )
    if queued.scalar() is None:
        raise StaleClaimError


def lock_job(session: Session, job_id: int) -> None:
    """Serialize whatever counts or ends the items of one job until the end of the transaction."""
    session.execute(text("SELECT 1 FROM jobs WHERE id = :job_id FOR NO KEY UPDATE"), {"job_id": job_id})


def advance(session: Session, job_id: int) -> None:
    """Release the next stage, or finish the job, if nothing of the current stage is live. The job must be locked."""
    session.execute(
        text("""
            UPDATE work_items SET state = 'queued', next_run_at = clock_timestamp()
            WHERE job_id = :job_id AND state = 'waiting'
              AND stage = (SELECT min(stage) FROM work_items
                           WHERE job_id = :job_id AND state IN ('waiting', 'queued', 'running'))
        """),
        {"job_id": job_id},
    )
    session.execute(
        text("""
            UPDATE jobs SET finished_at = clock_timestamp()
            WHERE id = :job_id AND finished_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM work_items
                              WHERE job_id = :job_id AND state IN ('waiting', 'queued', 'running'))
        """),
        {"job_id": job_id},
    )


def free_targets(session: Session, item_id: int) -> None:
    """Let the targets of an item that ended be enqueued again."""
    session.execute(text("DELETE FROM live_targets WHERE work_item_id = :item_id"), {"item_id": item_id})


_END = text("""
    UPDATE work_items
    SET state = :state, result = :result, lease_until = NULL, finished_at = clock_timestamp(),
        error_code = :code, error_message = :message
    WHERE id = :item_id AND fence = :fence AND state = 'running' RETURNING 1
""").bindparams(bindparam("result", type_=JSONB(none_as_null=True)))


def _end(
    session: Session,
    held: Claim,
    state: WorkState,
    outcome: AttemptOutcome,
    *,
    result: dict[str, Any] | None = None,
    code: str | None = None,
    message: str | None = None,
) -> None:
    lock_job(session, held.job_id)
    values = {"state": state, "result": result, "code": code, "message": message}
    ended = session.execute(_END, values | {"item_id": held.item_id, "fence": held.fence})
    if ended.scalar() is None:
        raise StaleClaimError
    _end_attempt(session, held, outcome, code, message)
    free_targets(session, held.item_id)
    advance(session, held.job_id)


def _end_attempt(
    session: Session, held: Claim, outcome: AttemptOutcome, code: str | None = None, message: str | None = None
) -> None:
    session.execute(
        text("""
            UPDATE attempts
            SET ended_at = clock_timestamp(), outcome = :outcome, error_code = :code, error_message = :message
            WHERE work_item_id = :item_id AND fence = :fence
        """),
        {"item_id": held.item_id, "fence": held.fence, "outcome": outcome, "code": code, "message": message},
    )
