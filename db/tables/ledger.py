"""The ledger: jobs, work items, attempts and the targets under live work."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.work import LIVE_STATES, WorkState
from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp


def _state_in(states: Iterable[WorkState]) -> str:
    return "state IN ({})".format(", ".join(f"'{state}'" for state in states))


class Job(Base):
    """One request: an import, an enrich-all. Its state is derived from its items."""

    __tablename__ = "jobs"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[BigInt | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    summary: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    unique_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Timestamp | None]
    cancelled_at: Mapped[Timestamp | None]

    __table_args__ = (
        Index("uq_jobs_live", "kind", "unique_key", unique=True, postgresql_where=text("finished_at IS NULL")),
        Index("ix_jobs_live", "id", postgresql_where=text("finished_at IS NULL")),
        Index("ix_jobs_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )


class WorkItem(Base):
    """The unit of work a worker claims. States and their meaning: `core.work.WorkState`."""

    __tablename__ = "work_items"

    id: Mapped[Id]
    job_id: Mapped[BigInt] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    stage: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    state: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    losses: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    fence: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_run_at: Mapped[Timestamp] = mapped_column(server_default=text("now()"))
    dispatched_at: Mapped[Timestamp | None]
    lease_until: Mapped[Timestamp | None]
    worker: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Timestamp | None]

    __table_args__ = (
        CheckConstraint(_state_in(WorkState), name="state"),
        Index("ix_work_items_job_id_state", "job_id", "state"),
        Index("ix_work_items_live", "job_id", "stage", postgresql_where=text(_state_in(LIVE_STATES))),
        Index("ix_work_items_due", "kind", "next_run_at", postgresql_where=text("state = 'queued'")),
        Index("ix_work_items_leases", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_work_items_trouble", "state", "id", postgresql_where=text("state IN ('failed', 'quarantined')")),
        Index("ix_work_items_trainings", "state", postgresql_where=text("kind IN ('train-user', 'train-community')")),
    )


class Attempt(Base):
    """One claim of a work item and how it ended: the history that outlives the broker and its dashboard."""

    __tablename__ = "attempts"

    work_item_id: Mapped[BigInt] = mapped_column(ForeignKey("work_items.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(Integer, primary_key=True)
    worker: Mapped[str] = mapped_column(Text)
    started_at: Mapped[CreatedAt]
    ended_at: Mapped[Timestamp | None]
    outcome: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)


class LiveTarget(Base):
    """A target (a track, a user) under live work of one kind and version; its primary key stops the same work twice."""

    __tablename__ = "live_targets"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    target: Mapped[BigInt] = mapped_column(primary_key=True)
    # Targets are reserved before their items exist, hence the deferred check.
    work_item_id: Mapped[BigInt] = mapped_column(
        ForeignKey("work_items.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"), index=True
    )
