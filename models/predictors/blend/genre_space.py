"""Genres: those that a table of artists knows, and a space in which genres that go together lie close."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.predictors.blend.names import find, key

DIMENSIONS = 32
_FEWEST_ARTISTS = 3
_MAX_LOOKED_UP = 30


@dataclass(frozen=True)
class GenreSpace:
    """Genres of g artists, and vectors of d dimensions for t genres."""

    genres: list[str]  #: Plain spelling, all that an artist of the table has
    vectors: NDArray[np.float32]  #: [len(genres), d]; zeros for genres too rare to have one
    artists: NDArray[np.uint64]  #: [g], keys of artists, ascending
    starts: NDArray[np.int64]  #: [g + 1]
    of_artist: NDArray[np.int32]  #: Positions in `genres`, artist after artist

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each genre is."""
        return {genre: at for at, genre in enumerate(self.genres)}

    def look_up(self, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The genres that the table knows of each artist, in plain spelling; none for the others."""
        found = find(self.artists, np.array([key(name) for name in names], dtype=np.uint64))
        return tuple(self._genres_of(at) if at >= 0 else () for at in found.tolist())

    def embed(self, tags: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Direction of the sum of the tags' vectors, [n, d]; zeros where no tag has one."""
        known = [[self.position[tag] for tag in dict.fromkeys(own) if tag in self.position] for own in tags]
        sums = np.zeros((len(tags), self.vectors.shape[1]), dtype=np.float32)
        lengths = np.array([len(own) for own in known])
        filled = np.flatnonzero(lengths)
        if filled.size:
            starts = (np.cumsum(lengths) - lengths)[filled]
            entries = np.array([at for own in known for at in own])
            sums[filled] = np.add.reduceat(self.vectors[entries], starts)
        norms = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
        directions: NDArray[np.float32] = sums / np.maximum(norms, np.float32(1e-6))
        return directions

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but the names of the genres."""
        return {
            "genre_vectors": self.vectors.astype(np.float16),
            "genre_artists": self.artists,
            "genre_starts": self.starts,
            "genre_of_artist": self.of_artist.astype(np.uint16),
        }

    @classmethod
    def restore(cls, genres: list[str], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(
            genres,
            arrays["genre_vectors"].astype(np.float32),
            arrays["genre_artists"],
            arrays["genre_starts"],
            arrays["genre_of_artist"].astype(np.int32),
        )

    def _genres_of(self, at: int) -> tuple[str, ...]:
        return tuple(self.genres[genre] for genre in self.of_artist[self.starts[at] : self.starts[at + 1]].tolist())


def fit_genre_space(artists: Mapping[str, Sequence[str]], tracks: Sequence[Sequence[str]]) -> GenreSpace:
    """Learn from which genres artists and tracks have together.

    The vectors are the leading eigenvectors of the cosine-normalized co-occurrence matrix.

    Parameters
    ----------
    artists
        Genres by artist, both in plain spelling; kept for look-up.
    tracks
        Genres of the training tracks, plain; these count for the vectors alone.
    """
    lists = [list(dict.fromkeys(genres)) for genres in (*artists.values(), *tracks) if genres]
    counts = Counter(genre for own in lists for genre in own)
    looked_up = {genre for genres in artists.values() for genre in genres}
    genres = sorted({genre for genre, count in counts.items() if count >= _FEWEST_ARTISTS} | looked_up)
    position = {genre: at for at, genre in enumerate(genres)}
    vectors = _vectors(lists, counts, position)
    by_key = sorted((key(name), own) for name, own in artists.items() if own)
    rows = [[position[genre] for genre in dict.fromkeys(own)][:_MAX_LOOKED_UP] for _, own in by_key]
    return GenreSpace(
        genres=genres,
        vectors=vectors.astype(np.float16).astype(np.float32),
        artists=np.array([name for name, _ in by_key], dtype=np.uint64),
        starts=np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
        of_artist=np.array([at for row in rows for at in row], dtype=np.int32),
    )


def _vectors(lists: list[list[str]], counts: Counter[str], position: Mapping[str, int]) -> NDArray[np.float64]:
    from scipy.sparse import csr_matrix, diags

    entries = [
        (row, position[genre]) for row, own in enumerate(lists) for genre in own if counts[genre] >= _FEWEST_ARTISTS
    ]
    vectors = np.zeros((len(position), DIMENSIONS))
    if not entries:
        return vectors
    rows, columns = np.array(entries).T
    used = np.unique(columns)
    shape = (len(lists), len(position))
    has = csr_matrix((np.ones(len(rows)), (rows, columns)), shape)[:, used]
    together = has.T @ has
    scale = diags(1 / (np.sqrt(together.diagonal()) + 1))
    # Dense: there are some two thousand genres, and a complete decomposition needs no random start.
    values, directions = np.linalg.eigh((scale @ together @ scale).toarray())
    kept = min(DIMENSIONS, len(used))
    leading = np.argsort(values)[::-1][:kept]
    vectors[used, :kept] = directions[:, leading] * np.sqrt(np.maximum(values[leading], 0))
    return vectors
