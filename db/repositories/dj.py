"""The library of the DJ: all tracks that were heard and embedded in one space, and what listeners made of choices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.audio import Texture
from db.tables import DjFeedback

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLOAT_BYTES = 4
_TEXTURES = tuple(field.name for field in fields(Texture))
_TEXTURE = "(" + ", ".join(f"{name} real" for name in _TEXTURES) + ")"
# Expressions over the joins of `_SOURCE`, by the name of the column that they fill.
_EXPRESSIONS = {
    "duration_s": "d.duration_s",
    "bpm": "d.bpm",
    "tempo_confidence": "d.bpm_confidence",
    "key_root": "d.key_root::real",
    "key_is_minor": "(d.key_mode = 'minor')::int::real",
    "key_clarity": "d.key_clarity",
    "loudness_lufs": "d.loudness_lufs",
    "intro_mixability": "(x.intro ->> 'mixability')::real",
    "outro_mixability": "(x.outro ->> 'mixability')::real",
    **{f"{part}_{name}": f"{part}.{name}" for part in ("whole", "intro", "outro") for name in _TEXTURES},
}
# The description is unpacked once a row; each -> on the column itself would unpack it again.
_SOURCE = f"""
    FROM audio_descriptors d
    JOIN embeddings i ON i.track_id = d.track_id AND i.space = %(space)s AND i.segment = 'intro'
    JOIN embeddings o ON o.track_id = d.track_id AND o.space = %(space)s AND o.segment = 'outro'
    CROSS JOIN LATERAL jsonb_to_record(d.description) AS x (texture jsonb, intro jsonb, outro jsonb)
    CROSS JOIN LATERAL jsonb_to_record(x.texture) AS whole {_TEXTURE}
    CROSS JOIN LATERAL jsonb_to_record(x.intro -> 'texture') AS intro {_TEXTURE}
    CROSS JOIN LATERAL jsonb_to_record(x.outro -> 'texture') AS outro {_TEXTURE}
    WHERE d.description IS NOT NULL AND length(i.vector) = %(bytes)s AND length(o.vector) = %(bytes)s
"""


@dataclass(frozen=True, slots=True)
class LibraryState:
    """What the library was at a moment; as long as two are equal, so are the libraries."""

    space: str  #: The space that most tracks have vectors in.
    vector_bytes: int
    tracks: int  #: Tracks with a description.
    newest: datetime | None  #: When the last one was analyzed.


def library_state(session: Session) -> LibraryState | None:
    """The state by now; None where nothing was analyzed."""
    row = session.execute(
        text("""
            WITH most AS (SELECT space FROM embeddings WHERE segment = 'intro'
                          GROUP BY space ORDER BY count(*) DESC, space LIMIT 1)
            SELECT most.space,
                (SELECT max(length(vector)) FROM (SELECT e.vector FROM embeddings e
                 WHERE e.space = most.space AND e.segment = 'intro' LIMIT 100) AS sample) AS vector_bytes,
                (SELECT count(description) FROM audio_descriptors) AS tracks,
                (SELECT max(analyzed_at) FROM audio_descriptors) AS newest
            FROM most
        """)
    ).one_or_none()
    return None if row is None else LibraryState(*row)


def read_library(
    session: Session, state: LibraryState, track_id: int | None = None
) -> "Iterator[tuple[NDArray[np.int64], dict[str, NDArray[np.float32]], NDArray[np.float32], NDArray[np.float32]]]":
    """Blocks of tracks, or one track: ids, columns (unknown values NaN), vectors of intros and of outros [n, d].

    Columns are named as in `core.audio`, parts in front (`intro_energy`), and `key_root` and `key_is_minor`.
    """
    import numpy as np

    from db.binary_rows import read_rows

    values = ", ".join(f"coalesce({expression}, 'NaN')" for expression in _EXPRESSIONS.values())
    among = "" if track_id is None else "AND d.track_id = %(track_id)s"
    query = f"SELECT d.track_id, {values}, i.vector, o.vector {_SOURCE} {among}"
    parameters = {"space": state.space, "bytes": state.vector_bytes, "track_id": track_id}
    vector = f"V{state.vector_bytes}"
    columns = [
        ("id", ">i8"),
        *((name, ">f4") for name in _EXPRESSIONS),
        ("intro vector", vector),
        ("outro vector", vector),
    ]
    dimensions = state.vector_bytes // _FLOAT_BYTES
    for rows in read_rows(session, query, parameters, columns):
        intro, outro = (
            np.frombuffer(rows[name].tobytes(), "<f4").reshape(len(rows), dimensions)
            for name in ("intro vector", "outro vector")
        )
        numbers = {name: rows[name].astype(np.float32) for name in _EXPRESSIONS}
        yield rows["id"].astype(np.int64), numbers, intro, outro


def count_library(session: Session, state: LibraryState) -> int:
    """At most so many tracks come from `read_library` within the same snapshot."""
    query = text("SELECT count(*) FROM embeddings WHERE space = :space AND segment = 'intro'")
    return int(session.scalar(query, {"space": state.space}) or 0)


def names_of(session: Session, track_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Artist and title of the tracks that exist."""
    rows = session.execute(text("SELECT id, artist, title FROM tracks WHERE id = ANY(:ids)"), {"ids": list(track_ids)})
    return {track_id: (artist, title) for track_id, artist, title in rows}


def playlist_track_ids(session: Session, playlist_id: int) -> list[int] | None:
    """The tracks of a playlist in its order; None where there is no such playlist."""
    if session.scalar(text("SELECT 1 FROM playlists WHERE id = :id"), {"id": playlist_id}) is None:
        return None
    query = text("SELECT track_id FROM playlist_tracks WHERE playlist_id = :id ORDER BY position")
    return list(session.scalars(query, {"id": playlist_id}))


def add_feedback(session: Session, events: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Store events that are not stored yet; returns the event ids of the new ones, and of those of unknown tracks."""
    ids = {event[name] for event in events for name in ("current_track_id", "next_track_id")}
    known = set(session.scalars(text("SELECT id FROM tracks WHERE id = ANY(:ids) FOR KEY SHARE"), {"ids": list(ids)}))
    usable = {
        event["event_id"]: event for event in events if {event["current_track_id"], event["next_track_id"]} <= known
    }
    unknown = [event["event_id"] for event in events if event["event_id"] not in usable]
    if not usable:
        return [], unknown
    statement = insert(DjFeedback).values(list(usable.values()))
    stored = statement.on_conflict_do_nothing(index_elements=["event_id"]).returning(DjFeedback.event_id)
    return list(session.scalars(stored)), unknown


def read_feedback(session: Session) -> Sequence[RowMapping]:
    """All events, the oldest first, with the length of the track that followed."""
    rows = session.execute(
        text("""
            SELECT f.user_id, f.current_track_id, f.next_track_id, f.goal, f.action, f.played_seconds, f.terms,
                coalesce(d.duration_s, t.duration_ms / 1000.0)::real AS duration_s
            FROM dj_feedback f JOIN tracks t ON t.id = f.next_track_id
            LEFT JOIN audio_descriptors d ON d.track_id = f.next_track_id
            ORDER BY f.id
        """)
    )
    return rows.mappings().all()
