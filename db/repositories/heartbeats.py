"""Signs of life of workers and of the dispatcher."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Beats on every run of the dispatcher: it takes beat, the broker and a worker to come that far.
DISPATCHER = "dispatcher"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A worker, the queues it consumes (the dispatcher: none), and how long it has been silent."""

    worker: str
    queues: list[str]
    pid: int
    started_at: datetime
    age_s: float


def beat(session: Session, worker: str, queues: Sequence[str], pid: int) -> None:
    """Record that the worker lives, and forget workers silent for a day."""
    session.execute(
        text("""
            INSERT INTO worker_heartbeats (worker, queues, pid, beat_at)
            VALUES (:worker, :queues, :pid, clock_timestamp())
            ON CONFLICT (worker) DO UPDATE SET beat_at = excluded.beat_at, queues = excluded.queues, pid = excluded.pid
        """),
        {"worker": worker, "queues": list(queues), "pid": pid},
    )
    session.execute(text("DELETE FROM worker_heartbeats WHERE beat_at < clock_timestamp() - interval '1 day'"))


def remove(session: Session, worker: str) -> None:
    """Forget a worker that stopped on purpose."""
    session.execute(text("DELETE FROM worker_heartbeats WHERE worker = :worker"), {"worker": worker})


def read_heartbeats(session: Session) -> list[Heartbeat]:
    """Every known worker, by name."""
    rows = session.execute(
        text("""
            SELECT worker, queues, pid, started_at, extract(epoch FROM clock_timestamp() - beat_at)::float
            FROM worker_heartbeats ORDER BY worker
        """)
    )
    return [Heartbeat(*row) for row in rows]
