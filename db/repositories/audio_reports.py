"""Which tracks have audio to analyze, and how far that is."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


def ids_with_audio(session: Session, track_ids: Sequence[int] | None = None) -> list[int]:
    """Tracks, among the given ones or all, that have audio, or whose audio was taken away after it was analyzed."""
    among = "" if track_ids is None else "AND t.id = ANY(:ids)"
    query = text(f"""
        SELECT t.id FROM tracks t
        WHERE (t.audio_uri IS NOT NULL OR EXISTS (SELECT FROM audio_descriptors d WHERE d.track_id = t.id)) {among}
        ORDER BY t.id
    """)
    return list(session.scalars(query, {} if track_ids is None else {"ids": list(track_ids)}))


def ids_not_analyzed(session: Session, version: str, track_ids: Sequence[int]) -> list[int]:
    """Those of the tracks whose audio has no analysis of this version, nor an error, as far as the database knows."""
    query = text("""
        SELECT t.id FROM tracks t LEFT JOIN audio_descriptors d ON d.track_id = t.id
        WHERE t.id = ANY(:ids) AND t.audio_uri IS DISTINCT FROM d.uri
           OR t.id = ANY(:ids) AND d.version <> :version
        ORDER BY t.id
    """)
    return list(session.scalars(query, {"ids": list(track_ids), "version": version}))


def audio_totals(session: Session, version: str) -> dict[str, Any]:
    """How many tracks have audio, and what became of it. Each of them counts once, but for `vectors`."""
    totals = session.execute(
        text("""
            SELECT count(*) FILTER (WHERE t.audio_uri IS NOT NULL) AS tracks,
                   count(*) FILTER (WHERE current AND d.error_code IS NULL) AS analyzed,
                   count(*) FILTER (WHERE current AND d.error_code IS NOT NULL) AS failed,
                   count(*) FILTER (WHERE t.audio_uri IS NOT NULL AND NOT current) AS lacking
            FROM tracks t LEFT JOIN audio_descriptors d ON d.track_id = t.id,
                 LATERAL (SELECT coalesce(d.uri = t.audio_uri AND d.version = :version, false) AS current) c
            WHERE t.audio_uri IS NOT NULL
        """),
        {"version": version},
    ).one()
    errors = session.execute(
        text("""
            SELECT d.error_code AS code, count(*) AS n FROM audio_descriptors d JOIN tracks t ON t.id = d.track_id
            WHERE d.error_code IS NOT NULL AND d.uri = t.audio_uri AND d.version = :version
            GROUP BY d.error_code ORDER BY count(*) DESC, d.error_code
        """),
        {"version": version},
    )
    spaces = session.execute(text("SELECT space, count(DISTINCT track_id) AS n FROM embeddings GROUP BY 1 ORDER BY 1"))
    return {
        **totals._mapping,
        "failed_by_code": {row.code: row.n for row in errors},
        "embedded_by_space": {row.space: row.n for row in spaces},
    }


def sum_results(session: Session, job_id: int) -> dict[str, int]:
    """What became of the tracks of a job, over its items that are done, by outcome."""
    rows = session.execute(
        text("""
            SELECT key, sum(value::bigint) FROM work_items, jsonb_each_text(result)
            WHERE job_id = :job_id AND kind = 'analyze' AND state = 'done' GROUP BY key ORDER BY key
        """),
        {"job_id": job_id},
    )
    return {outcome: int(n) for outcome, n in rows}


def list_failures(session: Session, limit: int) -> list[dict[str, Any]]:
    """The tracks whose audio could not be analyzed, the newest first."""
    rows = session.execute(
        text("""
            SELECT d.track_id, t.artist, t.title, d.uri, d.error_code, d.error_message, d.analyzed_at
            FROM audio_descriptors d JOIN tracks t ON t.id = d.track_id
            WHERE d.error_code IS NOT NULL ORDER BY d.analyzed_at DESC, d.track_id LIMIT :limit
        """),
        {"limit": limit},
    )
    return [dict(row._mapping) for row in rows]


def get_audio(session: Session, track_id: int) -> dict[str, Any] | None:
    """What is stored of one track's audio, without profiles and vectors, or `None`: no such track.

    `analysis` is None where nothing is stored.
    """
    track = session.execute(
        text("SELECT id, artist, title, audio_uri FROM tracks WHERE id = :id"), {"id": track_id}
    ).one_or_none()
    if track is None:
        return None
    row = session.execute(
        text("""
            SELECT uri, version, content_hash, error_code, error_message, description, analyzed_at,
                   (SELECT coalesce(array_agg(DISTINCT space ORDER BY space), '{}') FROM embeddings e
                    WHERE e.track_id = d.track_id) AS spaces
            FROM audio_descriptors d WHERE track_id = :id
        """),
        {"id": track_id},
    ).one_or_none()
    return {**track._mapping, "analysis": None if row is None else dict(row._mapping)}


def staged_elsewhere(session: Session) -> list[tuple[int, str, str]]:
    """Of the import under way: tracks that have another audio file than their row, as `(track, stored, row's)`."""
    rows = session.execute(
        text("""
            SELECT DISTINCT ON (t.id) t.id, t.audio_uri, i.audio_uri
            FROM stage_import i JOIN tracks t ON t.id = i.track_id
            WHERE i.audio_uri IS NOT NULL AND t.audio_uri <> i.audio_uri
            ORDER BY t.id, i.row_number
        """)
    )
    return [(track_id, stored, staged) for track_id, stored, staged in rows]


def staged_with_audio(session: Session) -> list[int]:
    """Of the import under way: tracks whose row names an audio file."""
    return list(
        session.scalars(text("SELECT DISTINCT track_id FROM stage_import WHERE audio_uri IS NOT NULL ORDER BY 1"))
    )


def move_audio(session: Session, places: dict[int, str]) -> None:
    """Note where the audio of tracks is by now."""
    session.execute(
        text("""
            UPDATE tracks t SET audio_uri = p.uri
            FROM jsonb_each_text(CAST(:places AS jsonb)) AS p (track_id, uri) WHERE t.id = p.track_id::bigint
        """),
        {"places": json.dumps({str(track_id): uri for track_id, uri in places.items()})},
    )
