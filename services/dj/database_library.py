"""The library of all analyzed tracks in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.audio import AudioDescription
from core.audio_records import from_record
from core.errors import PermanentError
from db.repositories import dj
from db.repositories.audio import read_descriptions
from db.repositories.dj import LibraryState
from models.dj.columns import COLUMNS, N_COLUMNS
from models.dj.library import Current, DjLibrary, TrackId, TrackTable

Floats = NDArray[np.float32]
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class DatabaseLibrary:
    """A library, and the state of the database that it was read from."""

    state: LibraryState
    library: DjLibrary


def read_library(session: Session, state: LibraryState) -> DatabaseLibrary:
    """Every track that has a description, and vectors in the state's space. The transaction must not have begun."""
    # What is counted and what is read are the same tracks.
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    ids, numbers, intro, outro = _arrays(session, state)
    return DatabaseLibrary(state, DjLibrary(TrackTable(state.space, ids, numbers, intro, outro)))


def current_track(session: Session, found: DatabaseLibrary, track_id: int) -> Current:
    """A track as the one that plays, whether the library has it already or not.

    Raises
    ------
    PermanentError
        `not-found`: there is no such track; `audio-not-analyzed`.
    """
    if track_id in found.library:
        return found.library.current(track_id)
    for ids, columns, intro, outro in dj.read_library(session, found.state, track_id):
        return Current(found.state.space, _numbers(columns)[:, 0], intro[0], outro[0], int(ids[0]))
    if track_id not in dj.names_of(session, [track_id]):
        raise PermanentError("not-found", f"There is no track {track_id}.")
    raise not_analyzed(track_id)


def not_analyzed(track_id: int) -> PermanentError:
    """The error of a track that the DJ cannot use."""
    return PermanentError("audio-not-analyzed", f"The audio of track {track_id} has not been analyzed.")


def describe(session: Session, ids: Sequence[TrackId]) -> Mapping[TrackId, AudioDescription]:
    """Whole descriptions of tracks, with profiles and beats."""
    found = read_descriptions(session, [int(track_id) for track_id in ids])
    return {track_id: from_record(record, profiles) for track_id, (record, profiles) in found.items()}


def restricted(library: DjLibrary, track_ids: Sequence[int]) -> DjLibrary:
    """The part of a library that is among these tracks."""
    rows = library.rows(track_ids)
    ids = [library.ids[row] for row in rows.tolist()]
    numbers = np.ascontiguousarray(library.numbers[:, rows])
    return DjLibrary(TrackTable(library.space, ids, numbers, library.intro[rows], library.outro[rows]))


def _arrays(session: Session, state: LibraryState) -> tuple[list[int], Floats, Floats, Floats]:
    """All tracks, read into arrays that are made once: at any moment the vectors are in memory once."""
    room = dj.count_library(session, state)
    dimensions = state.vector_bytes // _FLOAT_BYTES
    ids: list[int] = []
    numbers = np.empty((N_COLUMNS, room), np.float32)
    intro, outro = np.empty((room, dimensions), np.float32), np.empty((room, dimensions), np.float32)
    for block_ids, columns, block_intro, block_outro in dj.read_library(session, state):
        rows = slice(len(ids), len(ids) + len(block_ids))
        numbers[:, rows], intro[rows], outro[rows] = _numbers(columns), block_intro, block_outro
        ids += block_ids.tolist()
    # Tracks that failed since may still have vectors.
    return ids, numbers[:, : len(ids)], intro[: len(ids)], outro[: len(ids)]


def _numbers(columns: Mapping[str, Floats]) -> Floats:
    """Stored columns as the DJ has them, float32 [N_COLUMNS, n]; as `models.dj.columns.numbers_of`."""
    known = {**columns, "key": columns["key_root"] + 12 * columns["key_is_minor"]}
    known["bpm"] = np.where(columns["bpm"] > 0, columns["bpm"], np.nan)
    numbers = np.stack([known[name] for name in COLUMNS]).astype(np.float32)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
