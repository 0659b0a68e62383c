"""Users, playlists, tracks and the estimates of their features."""

from typing import Annotated, Any

from sqlalchemy import REAL, Boolean, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigInt, CreatedAt, Id, Timestamp

Real = Annotated[float, mapped_column(REAL)]


class FeatureValues:
    """The nine features of `core.features`, in its units; unknown ones are null."""

    danceability: Mapped[Real | None]
    energy: Mapped[Real | None]
    valence: Mapped[Real | None]
    acousticness: Mapped[Real | None]
    instrumentalness: Mapped[Real | None]
    liveness: Mapped[Real | None]
    speechiness: Mapped[Real | None]
    tempo: Mapped[Real | None]
    loudness: Mapped[Real | None]


class FeatureUncertainties:
    """Half-widths of the 80 % interval of each feature, in the feature's unit."""

    danceability_uncertainty: Mapped[Real | None]
    energy_uncertainty: Mapped[Real | None]
    valence_uncertainty: Mapped[Real | None]
    acousticness_uncertainty: Mapped[Real | None]
    instrumentalness_uncertainty: Mapped[Real | None]
    liveness_uncertainty: Mapped[Real | None]
    speechiness_uncertainty: Mapped[Real | None]
    tempo_uncertainty: Mapped[Real | None]
    loudness_uncertainty: Mapped[Real | None]


class User(Base):
    """A user of the platform, under the platform's own id."""

    __tablename__ = "users"

    id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[CreatedAt]


class Playlist(Base):
    """A named list of tracks of one user."""

    __tablename__ = "playlists"

    id: Mapped[Id]
    user_id: Mapped[BigInt] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("user_id", "name"),)


class Track(FeatureValues, Base):
    """A recording: identity, metadata and the nine resolved features with the source of each."""

    __tablename__ = "tracks"

    id: Mapped[Id]
    spotify_id: Mapped[str | None] = mapped_column(Text)
    isrc: Mapped[str | None] = mapped_column(Text)
    identity_key: Mapped[str] = mapped_column(Text, index=True)
    artist: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    album: Mapped[str | None] = mapped_column(Text)
    genres: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    release_year: Mapped[int | None] = mapped_column(SmallInteger)
    explicit: Mapped[bool | None] = mapped_column(Boolean)
    popularity: Mapped[int | None] = mapped_column(SmallInteger)
    moods: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    track_number: Mapped[int | None] = mapped_column(SmallInteger)
    album_total_tracks: Mapped[int | None] = mapped_column(SmallInteger)
    audio_uri: Mapped[str | None] = mapped_column(Text)
    feature_sources: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    external_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        Index("uq_tracks_spotify_id", "spotify_id", unique=True, postgresql_where=text("spotify_id IS NOT NULL")),
        Index("ix_tracks_isrc", "isrc", postgresql_where=text("isrc IS NOT NULL")),
        # Enrichment rewrites a row that was inserted without features: room for the new version on the same page.
        {"postgresql_with": {"fillfactor": 45}},
    )


class PlaylistTrack(Base):
    """Membership of a track in a playlist, once per track."""

    __tablename__ = "playlist_tracks"

    playlist_id: Mapped[BigInt] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"), primary_key=True)
    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(Integer)


class TrackEstimate(FeatureValues, FeatureUncertainties, Base):
    """What one source says about a track, with its evidence.

    `revision` counts how often the source wrote this row.
    """

    __tablename__ = "track_estimates"

    track_id: Mapped[BigInt] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    confidence: Mapped[Real | None]
    model_version: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[Timestamp] = mapped_column(server_default=text("now()"))
