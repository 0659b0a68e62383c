"""What users did with tracks, their models, and how much those take."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.user_models import EventKind, ModelKind, UserModelState
from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp


def _one_of(column: str, values: type[EventKind] | type[ModelKind] | type[UserModelState]) -> str:
    return "{} IN ({})".format(column, ", ".join(f"'{value}'" for value in values))


class InteractionEvent(Base):
    """One thing a user did with a track; the id is the platform's, unique for the user."""

    __tablename__ = "interaction_events"

    user_id: Mapped[BigInt] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[Timestamp]
    received_at: Mapped[CreatedAt]

    __table_args__ = (CheckConstraint(_one_of("kind", EventKind), name="kind"),)


class Interaction(Base):
    """What the events of a user and a track add up to."""

    __tablename__ = "interactions"

    user_id: Mapped[BigInt] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True, index=True)
    plays: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    skips: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    liked: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    liked_at: Mapped[Timestamp | None]
    last_played_at: Mapped[Timestamp | None]
    updated_at: Mapped[Timestamp] = mapped_column(server_default=text("now()"))

    __table_args__ = (CheckConstraint("liked BETWEEN -1 AND 1", name="liked"),)


class PersonalizedUser(Base):
    """A user whose models are kept up to date, and since when they are outdated."""

    __tablename__ = "personalized_users"

    user_id: Mapped[BigInt] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[CreatedAt]
    outdated_at: Mapped[Timestamp | None]
    changed_at: Mapped[Timestamp | None]

    __table_args__ = (
        Index("ix_personalized_users_outdated_at", "outdated_at", postgresql_where=text("outdated_at IS NOT NULL")),
    )


class UserModel(Base):
    """A version of a model, of a user or, where `user_id` is null, of what all users have in common.

    `path` names its folder below the root of models; `sha256` is that of the list of its files. States:
    `core.user_models`.
    """

    __tablename__ = "user_models"

    id: Mapped[Id]
    user_id: Mapped[BigInt | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text, unique=True)
    sha256: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[BigInt]
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    trained_at: Mapped[CreatedAt]
    last_used_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint(_one_of("kind", ModelKind), name="kind"),
        CheckConstraint(_one_of("state", UserModelState), name="state"),
        *(
            Index(
                f"uq_user_models_{state}",
                text("coalesce(user_id, -1)"),
                "kind",
                unique=True,
                postgresql_where=text(f"state = '{state}'"),
            )
            for state in (UserModelState.SERVING, UserModelState.PREVIOUS)
        ),
        Index("ix_user_models_user_id", "user_id"),
        Index("ix_user_models_last_used_at", "last_used_at"),
    )


class ModelUsageDay(Base):
    """How many models of a kind there were on a day, their bytes, and how many the clean-up of the day removed."""

    __tablename__ = "model_usage_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    models: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[BigInt]
    removed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    measured_at: Mapped[CreatedAt]
