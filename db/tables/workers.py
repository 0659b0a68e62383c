"""Heartbeats of worker processes."""

from sqlalchemy import Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, CreatedAt, Timestamp


class WorkerHeartbeat(Base):
    """The last sign of life of a worker, and the queues it consumes."""

    __tablename__ = "worker_heartbeats"

    worker: Mapped[str] = mapped_column(Text, primary_key=True)
    queues: Mapped[list[str]] = mapped_column(ARRAY(Text))
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[CreatedAt]
    beat_at: Mapped[Timestamp]
