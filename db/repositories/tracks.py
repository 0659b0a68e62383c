"""Tracks: metadata for predictors, one track for people, totals for operators."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES
from core.tracks import TrackBatch

_LACKS_FEATURES = " OR ".join(f"{name} IS NULL" for name in FEATURE_NAMES)


def load_batch(session: Session, track_ids: Sequence[int]) -> TrackBatch:
    """Metadata of the tracks that exist, in the order of their ids; `track_id` holds the id as text."""
    rows = session.execute(
        text("""
            SELECT id::text AS track_id, artist, title, album, genres, duration_ms, release_year, explicit, popularity,
                moods, track_number, album_total_tracks
            FROM tracks WHERE id = ANY(:ids) ORDER BY id
        """),
        {"ids": list(track_ids)},
    )
    names, columns = rows.keys(), zip(*rows, strict=True)
    return TrackBatch(**{name: list(column) for name, column in zip(names, columns, strict=False)})


def ids_lacking_features(session: Session, track_ids: Sequence[int] | None = None) -> list[int]:
    """The tracks, among the given ones or among all, that lack at least one of the nine features."""
    among = "" if track_ids is None else "AND id = ANY(:ids)"
    query = text(f"SELECT id FROM tracks WHERE ({_LACKS_FEATURES}) {among} ORDER BY id")
    return list(session.scalars(query, {} if track_ids is None else {"ids": list(track_ids)}))


def ids_inferred(session: Session, inferred: Sequence[str]) -> list[int]:
    """The tracks with a feature from one of the sources that infer."""
    query = text("""
        SELECT id FROM tracks WHERE EXISTS (SELECT FROM jsonb_each_text(feature_sources) AS f (feature, source)
                                            WHERE f.source = ANY(:inferred)) ORDER BY id
    """)
    return list(session.scalars(query, {"inferred": list(inferred)}))


def ids_outdated(session: Session, predictor: str, version: str, predictors: Sequence[str]) -> list[int]:
    """The tracks with a feature that is inferred, and not by this version of this predictor or with its help.

    `predictors` names all predictors.
    """
    query = text("""
        SELECT t.id FROM tracks t
        LEFT JOIN track_estimates e
          ON e.track_id = t.id AND e.source = :predictor AND e.model_version = :version
        WHERE EXISTS (SELECT FROM jsonb_each_text(t.feature_sources) AS f (feature, source)
                      WHERE f.source = ANY(:predictors) AND (e.track_id IS NULL OR f.source <> :predictor)
                         OR f.source IN ('routed', 'gemini') AND e.track_id IS NULL)
        ORDER BY t.id
    """)
    return list(session.scalars(query, {"predictor": predictor, "version": version, "predictors": list(predictors)}))


def feature_totals(session: Session) -> dict[str, Any]:
    """How many tracks there are, how many are complete, and how many each source knows."""
    totals = session.execute(
        text(f"SELECT count(*) AS tracks, count(*) FILTER (WHERE NOT ({_LACKS_FEATURES})) AS complete FROM tracks")
    ).one()
    by_source = session.execute(text("SELECT source, count(*) FROM track_estimates GROUP BY source ORDER BY source"))
    return {
        "tracks": totals.tracks,
        "complete": totals.complete,
        "lacking": totals.tracks - totals.complete,
        "estimates_by_source": {row.source: row.count for row in by_source},
    }


def playlist_tracks(session: Session, playlist_id: int) -> Sequence[RowMapping]:
    """The tracks of a playlist in its order, with all their columns."""
    return (
        session.execute(
            text("""
                SELECT t.* FROM playlist_tracks p JOIN tracks t ON t.id = p.track_id
                WHERE p.playlist_id = :id ORDER BY p.position
            """),
            {"id": playlist_id},
        )
        .mappings()
        .all()
    )


def get_track(session: Session, track_id: int) -> dict[str, Any] | None:
    """A track with its resolved features and every estimate behind them, or `None`."""
    track = session.execute(text("SELECT * FROM tracks WHERE id = :id"), {"id": track_id}).mappings().one_or_none()
    if track is None:
        return None
    estimates = session.execute(
        text("SELECT * FROM track_estimates WHERE track_id = :id ORDER BY source"), {"id": track_id}
    ).mappings()
    return {**track, "estimates": {row["source"]: dict(row) for row in estimates}}
