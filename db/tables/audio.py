"""What was heard in the audio of tracks, and what people made of the transitions between them."""

from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp


class AudioDescriptors(Base):
    """The analysis of a track's audio file, or why there is none (`error_code`).

    Size, modification time and content hash tell whether the file is still the one that was analyzed. `description` is
    `core.audio.AudioDescription` without its profiles; those are in `profiles`. The other columns repeat what is
    searched by.
    """

    __tablename__ = "audio_descriptors"

    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    mtime_ns: Mapped[int | None] = mapped_column(BigInteger)
    content_hash: Mapped[str | None] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    duration_s: Mapped[float | None] = mapped_column(REAL)
    bpm: Mapped[float | None] = mapped_column(REAL)
    bpm_confidence: Mapped[float | None] = mapped_column(REAL)
    key_root: Mapped[int | None] = mapped_column(SmallInteger)
    key_mode: Mapped[str | None] = mapped_column(Text)
    key_clarity: Mapped[float | None] = mapped_column(REAL)
    loudness_lufs: Mapped[float | None] = mapped_column(REAL)
    description: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    profiles: Mapped[bytes | None] = mapped_column(LargeBinary)
    analyzed_at: Mapped[Timestamp] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        Index("ix_audio_descriptors_content_hash", "content_hash", postgresql_where=text("content_hash IS NOT NULL")),
    )


class Embedding(Base):
    """A unit vector (little-endian float32) of one segment of a track in one space."""

    __tablename__ = "embeddings"

    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    space: Mapped[str] = mapped_column(Text, primary_key=True)
    segment: Mapped[str] = mapped_column(Text, primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_embeddings_space_segment", "space", "segment"),)


class DjFeedback(Base):
    """What a listener did when one track followed another; `terms` are those the suggestion was ranked by."""

    __tablename__ = "dj_feedback"

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(Text, unique=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    current_track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"))
    next_track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"))
    goal: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    played_seconds: Mapped[float | None] = mapped_column(REAL)
    rank: Mapped[int | None] = mapped_column(Integer)
    terms: Mapped[dict[str, float]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index("ix_dj_feedback_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),)
