"""The reference table, answers of providers, and what they cost."""

from datetime import date
from typing import Any

from sqlalchemy import Date, Double, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp
from db.tables.music import FeatureValues


class SpotifyReference(FeatureValues, Base):
    """A recording whose features are known. `artist_key` and `title_key` are the halves of `core.identity`'s key."""

    __tablename__ = "spotify_reference"

    id: Mapped[Id]
    spotify_id: Mapped[str | None] = mapped_column(Text)
    isrc: Mapped[str | None] = mapped_column(Text)
    artist: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    artist_key: Mapped[str] = mapped_column(Text)
    title_key: Mapped[str] = mapped_column(Text)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    release_year: Mapped[int | None] = mapped_column(SmallInteger)
    popularity: Mapped[int | None] = mapped_column(SmallInteger)
    dataset: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[CreatedAt]

    __table_args__ = (
        Index(
            "uq_spotify_reference_spotify_id",
            "spotify_id",
            unique=True,
            postgresql_where=text("spotify_id IS NOT NULL"),
        ),
        Index("ix_spotify_reference_isrc", "isrc", postgresql_where=text("isrc IS NOT NULL")),
        Index("ix_spotify_reference_artist_key_title_key", "artist_key", "title_key"),
        Index("ix_spotify_reference_artist_key_duration_ms", "artist_key", "duration_ms"),
        Index("ix_spotify_reference_title_key_duration_ms", "title_key", "duration_ms"),
    )


class ReferenceArtist(Base):
    """Under which spelling an artist of the reference table may be met; `form` is one of `models.matching.forms`."""

    __tablename__ = "reference_artists"

    artist_key: Mapped[str] = mapped_column(Text, primary_key=True)
    form: Mapped[str] = mapped_column(Text, primary_key=True)


class ReferenceLoad(Base):
    """A file that was loaded into the reference table; the highest id is the revision of the table."""

    __tablename__ = "reference_loads"

    id: Mapped[Id]
    file: Mapped[str] = mapped_column(Text)
    dataset: Mapped[str] = mapped_column(Text)
    rows_inserted: Mapped[int] = mapped_column(Integer)
    rows_updated: Mapped[int] = mapped_column(Integer)
    rows_unchanged: Mapped[int] = mapped_column(Integer)
    rows_left_out: Mapped[dict[str, int]] = mapped_column(JSONB)
    loaded_at: Mapped[CreatedAt]


class LookupCache(Base):
    """What a provider said about a subject, or who is asking it right now.

    `answer` is null for a subject that the provider does not know, and while it is asked for the first time
    (`expires_at` is null then).
    """

    __tablename__ = "lookup_cache"

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    variant: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    answered_at: Mapped[Timestamp | None]
    expires_at: Mapped[Timestamp | None]
    claimant: Mapped[str | None] = mapped_column(Text)
    claimed_until: Mapped[Timestamp | None]

    __table_args__ = (Index("ix_lookup_cache_expires_at", "expires_at"),)


class ApiUsage(Base):
    """What a provider was asked on one day; days begin at midnight Pacific time, when quotas do."""

    __tablename__ = "api_usage"

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    calls: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    failed_calls: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tracks_asked: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tracks_answered: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tracks_from_cache: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    input_tokens: Mapped[BigInt] = mapped_column(server_default=text("0"))
    output_tokens: Mapped[BigInt] = mapped_column(server_default=text("0"))
    searches: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cost_usd: Mapped[float] = mapped_column(Double, server_default=text("0"))
