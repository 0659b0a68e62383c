"""Enqueue jobs and their items in the caller's transaction, never the same live work twice."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from core.work import JobKind, WorkKind, WorkState
from db.repositories.work_items import advance, lock_job
from db.tables import Job, WorkItem


def create_job(
    session: Session,
    kind: JobKind,
    *,
    user_id: int | None = None,
    params: dict[str, Any] | None = None,
    unique_key: str | None = None,
) -> tuple[int, bool]:
    """Insert a job and return `(job_id, created)`.

    With `unique_key`, a job of the same kind and key that has not finished is returned instead, and `created` is false.
    """
    values = {"kind": kind, "user_id": user_id, "params": params or {}, "unique_key": unique_key}
    if unique_key is not None:
        # Serialize the check and the insert; a unique index stands behind it.
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"{kind}:{unique_key}"})
        live = session.execute(
            text("SELECT id FROM jobs WHERE kind = :kind AND unique_key = :unique_key AND finished_at IS NULL"), values
        ).scalar()
        if live is not None:
            return int(live), False
    return session.execute(insert(Job).values(values).returning(Job.id)).scalar_one(), True


def enqueue_targets(
    session: Session,
    job_id: int,
    kind: WorkKind,
    targets: Sequence[int],
    *,
    version: str,
    chunk_size: int,
    stage: int = 0,
    extra: dict[str, Any] | None = None,
    in_order: bool = False,
) -> int:
    """Enqueue one item per `chunk_size` targets, leaving out those already under live work of this kind and version.

    An item of a later stage waits until every item of the stages before it ended. The payload of an item is
    `{"targets": [ids], "version": version}` and whatever `extra` adds. With `in_order` the first targets are worked on
    first; by default chunks hold neighbors, which is faster. Returns how many targets were enqueued. `seal_job` ends
    the enqueueing.
    """
    chosen = list(dict.fromkeys(targets)) if in_order else sorted(set(targets))
    chunks = _reserve(session, kind, chosen, version, chunk_size)
    state = WorkState.WAITING if stage else WorkState.QUEUED
    rows: list[dict[str, Any]] = [
        {
            "id": item_id,
            "job_id": job_id,
            "kind": kind,
            "stage": stage,
            "state": state,
            "size": len(ids),
            "payload": {"targets": ids, "version": version, **(extra or {})},
        }
        for item_id, ids in chunks.items()
    ]
    if rows:
        session.execute(insert(WorkItem), rows)
    return sum(len(ids) for ids in chunks.values())


def enqueue_step(session: Session, job_id: int, kind: WorkKind, *, version: str, stage: int) -> None:
    """Enqueue one item that works on the job itself, and so counts no targets. `seal_job` ends the enqueueing."""
    values = {
        "job_id": job_id,
        "kind": kind,
        "stage": stage,
        "state": WorkState.WAITING if stage else WorkState.QUEUED,
        "size": 0,
        "payload": {"targets": [], "version": version, "job_id": job_id},
    }
    session.execute(insert(WorkItem).values(values))


def jobs_working_on(session: Session, kind: WorkKind, targets: Sequence[int], *, except_job: int) -> list[int]:
    """Other jobs with live work of a kind on some of the targets."""
    return list(
        session.scalars(
            text("""
                SELECT DISTINCT w.job_id FROM live_targets t JOIN work_items w ON w.id = t.work_item_id
                WHERE t.kind = :kind AND t.target = ANY(:targets) AND w.job_id <> :job_id ORDER BY w.job_id
            """),
            {"kind": kind, "targets": list(targets), "job_id": except_job},
        )
    )


def seal_job(session: Session, job_id: int, summary: dict[str, Any]) -> None:
    """Store what the request did so far; a job that found nothing to do is finished at once."""
    lock_job(session, job_id)
    session.get_one(Job, job_id).summary = summary
    session.flush()
    advance(session, job_id)


def _reserve(
    session: Session, kind: WorkKind, targets: Sequence[int], version: str, chunk_size: int
) -> dict[int, list[int]]:
    """Reserve targets for items whose ids are drawn first, so that two enqueuers at once cannot share a target."""
    chunks = list(_chunks(targets, chunk_size))
    item_ids = session.scalars(
        text("SELECT nextval(pg_get_serial_sequence('work_items', 'id')) FROM generate_series(1, :n)"),
        {"n": len(chunks)},
    ).all()
    reserved = session.execute(
        text("""
            INSERT INTO live_targets (kind, version, target, work_item_id)
            SELECT :kind, :version, target, work_item_id
            FROM unnest(CAST(:targets AS bigint[]), CAST(:item_ids AS bigint[])) AS wanted (target, work_item_id)
            ORDER BY target
            ON CONFLICT DO NOTHING
            RETURNING target, work_item_id
        """),
        {
            "kind": kind,
            "version": version,
            "targets": list(targets),
            "item_ids": [item_id for item_id, chunk in zip(item_ids, chunks, strict=True) for _ in chunk],
        },
    )
    by_item: dict[int, list[int]] = {}
    for target, item_id in reserved:
        by_item.setdefault(item_id, []).append(target)
    return by_item


def _chunks(targets: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(targets), size):
        yield targets[start : start + size]
