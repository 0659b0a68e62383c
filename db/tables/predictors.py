"""Trained versions of the predictors, and the history of which of them served."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.model_states import ModelState
from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp

_STATES = ", ".join(f"'{state}'" for state in ModelState)


class ModelVersion(Base):
    """A version of a predictor that was trained here; its files lie in the folder of its name and version.

    Where no version of a name is promoted, the one shipped with MusicSpace serves. States: `core.model_states`.
    """

    __tablename__ = "model_versions"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    card_sha256: Mapped[str] = mapped_column(Text)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB)
    baseline: Mapped[str | None] = mapped_column(Text)
    job_id: Mapped[BigInt | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    trained_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("name", "version"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        Index("uq_model_versions_promoted", "name", unique=True, postgresql_where=text("state = 'promoted'")),
    )


class ModelPromotion(Base):
    """One time that a version began to serve.

    The rows of a name that were not rolled back form a stack: the newest one serves, a rollback takes it off.
    """

    __tablename__ = "model_promotions"

    id: Mapped[Id]
    model_version_id: Mapped[BigInt] = mapped_column(ForeignKey("model_versions.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    promoted_at: Mapped[CreatedAt]
    rolled_back_at: Mapped[Timestamp | None]
    rollback_reason: Mapped[str | None] = mapped_column(Text)
