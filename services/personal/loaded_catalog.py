"""The tracks of the library as a catalog, read in one snapshot of the database."""

import sys
import threading
from array import array
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES
from db.repositories import catalog as tracks
from models.recommenders.catalog import Catalog, genre_columns

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from models.recommenders.content_space import ContentSpace
    from models.recommenders.diversity import SimilarityOf


@dataclass(eq=False)
class LoadedCatalog:
    """All tracks at one moment. Two with equal stamps hold the same."""

    catalog: Catalog
    recordings: NDArray[np.int32]  #: [n], equal for versions of one recording (`core.identity.normalized_key`), dense.
    stamp: str
    _building: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def space(self) -> "ContentSpace":
        """The words of all tracks, made when they are first asked for."""
        if not self.has_space:
            with self._building:
                return self._space
        return self._space

    @property
    def has_space(self) -> bool:
        """Whether somebody has asked for the words."""
        return "_space" in self.__dict__

    @cached_property
    def similarity(self) -> "SimilarityOf":
        """How alike tracks are, for variety."""
        from models.recommenders.diversity import item_similarity

        return item_similarity(self.catalog)

    @cached_property
    def _space(self) -> "ContentSpace":
        from models.recommenders.content_space import build_content_space

        return build_content_space(self.catalog)


def read_catalog(session: Session, known: LoadedCatalog | None = None) -> LoadedCatalog:
    """All tracks, or the known catalog if it still holds. The session's transaction must not have begun."""
    # The stamp, the numbers and the texts are of the same tracks.
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    stamp = tracks.library_stamp(session)
    if known is not None and known.stamp == stamp:
        return known
    item_ids, identities, features, popularity = _numbers(session)
    artists, titles, albums, genres, genre_names = _texts(session)
    catalog = Catalog(item_ids, artists, titles, albums, genres, genre_names, features, popularity)
    return LoadedCatalog(catalog, np.unique(identities, return_inverse=True)[1].astype(np.int32), stamp)


def _numbers(
    session: Session,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Ids, identities, features [n, 9] and popularity."""
    ids, identities, features, popularity = [_IDS], [_IDS], [_FEATURES], [_FEATURES[:, 0]]
    for rows in tracks.track_numbers(session):
        ids.append(rows["id"].astype(np.int64))
        identities.append(rows["identity"].astype(np.int64))
        features.append(np.stack([rows[name] for name in FEATURE_NAMES], axis=1).astype(np.float32))
        popularity.append(rows["popularity"].astype(np.float32))
    return np.concatenate(ids), np.concatenate(identities), np.concatenate(features), np.concatenate(popularity)


def _texts(session: Session) -> tuple[list[str], list[str], list[str | None], "csr_array", list[str]]:
    """Artists, titles, albums, the matrix of genres and their names; equal texts are in memory once."""
    artists: list[str] = []
    titles: list[str] = []
    albums: list[str | None] = []
    genre_sets: dict[str, int] = {}
    of_track = array("i")
    for rows in tracks.track_texts(session):
        for artist, title, album, genres in rows:
            artists.append(sys.intern(artist))
            titles.append(title)
            albums.append(None if album is None else sys.intern(album))
            of_track.append(genre_sets.setdefault(genres, len(genre_sets)))
    split = [[name for name in joined.split(tracks.GENRE_SEPARATOR) if name] for joined in genre_sets]
    matrix, names = genre_columns(split)
    return artists, titles, albums, matrix[np.frombuffer(of_track, np.int32)], names


_IDS = np.empty(0, np.int64)
_FEATURES = np.empty((0, len(FEATURE_NAMES)), np.float32)
