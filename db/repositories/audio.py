"""What was heard in the files of tracks: bulk reads before an analysis, bulk writes after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from core.audio import Segment
from db.tables import AudioDescriptors, Embedding


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """What is stored of a track's audio. The fields from `uri` on are None where nothing is stored."""

    track_id: int
    audio_uri: str | None  #: Where the track's audio is by now.
    uri: str | None  #: Where it was when it was analyzed.
    size_bytes: int | None
    mtime_ns: int | None
    content_hash: str | None
    version: str | None
    error_code: str | None
    described: bool
    embedded: bool  #: Whether every segment has a vector in the space that was asked for.


@dataclass(frozen=True, slots=True)
class AudioRow:
    """A row to store: a description with its profiles, or an error."""

    track_id: int
    uri: str
    version: str
    size_bytes: int | None = None
    mtime_ns: int | None = None
    content_hash: str | None = None
    description: dict[str, Any] | None = None  #: As `core.audio_records.to_record` makes it.
    profiles: bytes | None = None
    error_code: str | None = None
    error_message: str | None = None


def read_stored(session: Session, track_ids: Sequence[int], space: str) -> list[StoredAudio]:
    """Those of the tracks that exist, in the order of their ids, with what is stored of their audio."""
    rows = session.execute(
        text("""
            SELECT t.id, t.audio_uri, d.uri, d.size_bytes, d.mtime_ns, d.content_hash, d.version, d.error_code,
                d.description IS NOT NULL,
                (SELECT count(*) FROM embeddings e WHERE e.track_id = t.id AND e.space = :space) = :segments
            FROM tracks t LEFT JOIN audio_descriptors d ON d.track_id = t.id
            WHERE t.id = ANY(:ids) ORDER BY t.id
        """),
        {"ids": list(track_ids), "space": space, "segments": len(Segment)},
    )
    return [StoredAudio(*row) for row in rows]


def find_same_content(session: Session, hashes: Iterable[str], version: str, space: str) -> dict[str, int]:
    """For each content hash the first track that was analyzed with it: described, and embedded in the space."""
    rows = session.execute(
        text("""
            SELECT d.content_hash, min(d.track_id) AS track_id FROM audio_descriptors d
            WHERE d.content_hash = ANY(:hashes) AND d.version = :version AND d.description IS NOT NULL
              AND (SELECT count(*) FROM embeddings e WHERE e.track_id = d.track_id AND e.space = :space) = :segments
            GROUP BY d.content_hash
        """),
        {"hashes": list(hashes), "version": version, "space": space, "segments": len(Segment)},
    )
    return {row.content_hash: row.track_id for row in rows}


def lock_tracks_at(session: Session, uris: Mapping[int, str | None]) -> set[int]:
    """Lock tracks in the order of their ids; returns those that exist and whose audio is still where `uris` says."""
    rows = session.execute(
        text("SELECT id, audio_uri FROM tracks WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"),
        {"ids": list(uris)},
    )
    return {track_id for track_id, audio_uri in rows if audio_uri == uris[track_id]}


def write_rows(session: Session, rows: Sequence[AudioRow]) -> None:
    """Insert or replace the rows of tracks that exist."""
    if not rows:
        return
    # An empty column, where SQLAlchemy would else write a JSON null.
    description = bindparam("nullable_description", type_=JSONB(none_as_null=True))
    statement = insert(AudioDescriptors).values(description=description)
    columns = [column.name for column in AudioDescriptors.__table__.columns if column.name != "track_id"]
    replaced = {name: statement.excluded[name] for name in columns if name != "analyzed_at"}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["track_id"], set_=replaced | {"analyzed_at": text("clock_timestamp()")}
        ),
        [_values(row) for row in rows],
    )


def write_vectors(session: Session, space: str, vectors: Mapping[int, Mapping[Segment, bytes]]) -> None:
    """Insert or replace the vectors (little-endian float32) of tracks in one space."""
    rows = [
        {"track_id": track_id, "space": space, "segment": str(segment), "vector": vector}
        for track_id, segments in vectors.items()
        for segment, vector in segments.items()
    ]
    if not rows:
        return
    statement = insert(Embedding)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["track_id", "space", "segment"], set_={"vector": statement.excluded.vector}
        ),
        rows,
    )


def copy_vectors(session: Session, twins: Mapping[int, int]) -> None:
    """Give each track the vectors of its twin, in every space."""
    session.execute(
        text("""
            INSERT INTO embeddings (track_id, space, segment, vector)
            SELECT p.track_id, e.space, e.segment, e.vector
            FROM unnest(CAST(:ids AS bigint[]), CAST(:twins AS bigint[])) AS p (track_id, twin)
            JOIN embeddings e ON e.track_id = p.twin
            ON CONFLICT (track_id, space, segment) DO UPDATE SET vector = excluded.vector
        """),
        {"ids": list(twins), "twins": list(twins.values())},
    )


def read_descriptions(session: Session, track_ids: Sequence[int]) -> dict[int, tuple[dict[str, Any], bytes]]:
    """The stored descriptions and profiles, by track."""
    rows = session.execute(
        text("""
            SELECT track_id, description, profiles FROM audio_descriptors
            WHERE track_id = ANY(:ids) AND description IS NOT NULL
        """),
        {"ids": list(track_ids)},
    )
    return {track_id: (description, profiles) for track_id, description, profiles in rows}


def touch_rows(session: Session, states: Mapping[int, tuple[str, int | None, int | None]]) -> None:
    """Note a new place, size and modification time of files whose content is what it was."""
    session.execute(
        text("""
            UPDATE audio_descriptors d SET uri = s.uri, size_bytes = s.size_bytes, mtime_ns = s.mtime_ns
            FROM unnest(CAST(:ids AS bigint[]), CAST(:uris AS text[]), CAST(:sizes AS bigint[]),
                        CAST(:times AS bigint[])) AS s (track_id, uri, size_bytes, mtime_ns)
            WHERE d.track_id = s.track_id
        """),
        {
            "ids": list(states),
            "uris": [uri for uri, _, _ in states.values()],
            "sizes": [size for _, size, _ in states.values()],
            "times": [time for _, _, time in states.values()],
        },
    )


def forget_rows(session: Session, track_ids: Sequence[int]) -> None:
    """Delete what is stored of the tracks' audio, vectors of all spaces included."""
    parameters = {"ids": list(track_ids)}
    session.execute(text("DELETE FROM audio_descriptors WHERE track_id = ANY(:ids)"), parameters)
    forget_vectors(session, track_ids)


def forget_vectors(session: Session, track_ids: Sequence[int]) -> None:
    """Delete the vectors of the tracks in all spaces: they were heard in another content."""
    session.execute(text("DELETE FROM embeddings WHERE track_id = ANY(:ids)"), {"ids": list(track_ids)})


def _values(row: AudioRow) -> dict[str, Any]:
    """All columns of a row; those that are searched by repeat what the description says."""
    description = row.description or {}
    tempo, key = description.get("tempo", {}), description.get("key", {})
    name = key.get("name") or {}
    return {
        "track_id": row.track_id,
        "uri": row.uri,
        "size_bytes": row.size_bytes,
        "mtime_ns": row.mtime_ns,
        "content_hash": row.content_hash,
        "version": row.version,
        "error_code": row.error_code,
        "error_message": row.error_message,
        "duration_s": description.get("duration_s"),
        "bpm": tempo.get("bpm"),
        "bpm_confidence": tempo.get("confidence"),
        "key_root": name.get("root"),
        "key_mode": name.get("mode"),
        "key_clarity": key.get("clarity"),
        "loudness_lufs": description.get("loudness_lufs"),
        "nullable_description": row.description,
        "profiles": row.profiles,
    }
