"""Tracks whose artists, words, albums and genres resemble those of a track."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.settings import Settings
from db.repositories.tracks import get_track
from services.personal.catalog_store import current_catalog
from services.personal.loaded_catalog import LoadedCatalog

_SHARED_TERMS = 5


@dataclass(frozen=True, slots=True)
class SimilarTrack:
    """A track, and why it resembles the one that was asked about."""

    track_id: int
    artist: str
    title: str
    album: str | None
    similarity: float  #: Cosine, above 0 and at most 1.
    shared: list[str]  #: Such as "genre:shoegaze"; those that add most to the similarity first.


@dataclass(frozen=True, slots=True)
class SimilarTracks:
    """An answer, and what was asked about."""

    track_id: int
    artist: str
    title: str
    library: int  #: Tracks that were searched.
    tracks: list[SimilarTrack]  #: The most similar first.


def similar_tracks(session: Session, settings: Settings, track_id: int, limit: int) -> SimilarTracks:
    """The `limit` most similar tracks of the library, exactly; fewer where fewer have a word in common with the track.

    A track that came since this process read the library makes it look again.

    Raises
    ------
    PermanentError
        `not-found`: there is no such track.
    RetryableError
        `recommendations-busy`: the library is still being read; `database-unavailable`.
    """
    loaded = current_catalog(settings)
    position = _position(loaded, track_id)
    if position is None and get_track(session, track_id) is not None:
        # The snapshot is read on a connection of its own.
        session.rollback()
        loaded = current_catalog(settings, fresh=True)
        position = _position(loaded, track_id)
    if position is None:
        raise PermanentError("not-found", f"There is no track {track_id}.")
    return _found(loaded, position, limit)


def _position(loaded: LoadedCatalog, track_id: int) -> int | None:
    position = int(loaded.catalog.find(np.array([track_id], dtype=np.int64))[0])
    return None if position < 0 else position


def _found(loaded: LoadedCatalog, position: int, limit: int) -> SimilarTracks:
    catalog, space = loaded.catalog, loaded.space
    best = space.similar(position, limit)
    tracks = [
        SimilarTrack(
            int(catalog.item_ids[other]),
            catalog.artists[other],
            catalog.titles[other],
            catalog.albums[other],
            # Rounding may carry the cosine of equal rows beyond 1.
            min(similarity, 1.0),
            space.shared_terms(position, other, _SHARED_TERMS),
        )
        for other, similarity in zip(best.positions.tolist(), best.scores.tolist(), strict=True)
    ]
    own = int(catalog.item_ids[position])
    return SimilarTracks(own, catalog.artists[position], catalog.titles[position], len(catalog), tracks)
