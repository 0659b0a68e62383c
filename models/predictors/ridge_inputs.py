"""What M1 reads of a track: TF-IDF of artist and album, genres, duration and popularity, as sparse columns.

Columns: artist terms | album terms | genres | duration | popularity. Training and inference share this module, so
that they can never disagree about an input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch
from models.tfidf import CACHE_SIZE, SparseRow, TfidfEncoder, entries, normalize_text

#: A pattern of availability is the sum of these bits over the optional fields that a track has.
HAS_ALBUM, HAS_GENRES, HAS_POPULARITY = 1, 2, 4
N_PATTERNS = 8

# A live set of three hours must not drag a linear model off; four standard deviations of log-duration are 23 minutes.
_MAX_STANDARD_SCORE = 4.0


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Mean and standard deviation of one number in the training data."""

    mean: float
    std: float

    @classmethod
    def fit(cls, numbers: NDArray[np.float64]) -> "Standardizer":
        """Learn from [n] numbers; NaN means unknown. A constant, or no number at all, standardizes to zero."""
        known = numbers[~np.isnan(numbers)]
        return cls(float(known.mean()), float(known.std()) or 1.0) if known.size else cls(0.0, 1.0)

    def scores(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard scores of [n] numbers, bounded; an unknown number gets that of the mean, 0."""
        scores = np.clip((numbers - self.mean) / self.std, -_MAX_STANDARD_SCORE, _MAX_STANDARD_SCORE)
        return np.nan_to_num(scores, nan=0.0)


@dataclass(frozen=True, slots=True)
class EncodedTracks:
    """n tracks as the non-zero entries of an [n, n_columns] matrix, and what is known about each."""

    n_columns: int
    rows: NDArray[np.intp]  #: [entries]
    columns: NDArray[np.intp]  #: [entries]; no (row, column) occurs twice
    weights: NDArray[np.float32]  #: [entries]
    pattern: NDArray[np.intp]  #: [n], 0..7
    artist_known: NDArray[np.intp]  #: [n], 1 where a word of the artist is in the vocabulary, else 0


def pattern_name(pattern: int) -> str:
    """The fields that a pattern stands for, as people read them."""
    bits = {"album": HAS_ALBUM, "genres": HAS_GENRES, "popularity": HAS_POPULARITY}
    return " + ".join(name for name, bit in bits.items() if pattern & bit) or "none of them"


class RidgeInputs:
    """Encodes tracks over fixed vocabularies."""

    def __init__(
        self,
        artist: TfidfEncoder,
        album: TfidfEncoder,
        genres: Sequence[str],
        log_duration: Standardizer,
        popularity: Standardizer,
    ) -> None:
        self.artist, self.album, self.genres = artist, album, tuple(genres)
        self.log_duration, self.popularity = log_duration, popularity
        self.album_start = len(artist)
        self.genre_start = self.album_start + len(album)
        self.duration_column = self.genre_start + len(self.genres)
        self.popularity_column = self.duration_column + 1
        self.n_columns = self.popularity_column + 1
        self._genre_column = {genre: column for column, genre in enumerate(self.genres)}
        self._encode_genres = lru_cache(maxsize=CACHE_SIZE)(self._encode_genre_list)

    def columns_of(self, pattern: int) -> NDArray[np.bool_]:
        """Which of the [n_columns] columns a track of this availability pattern can fill."""
        filled = np.ones(self.n_columns, dtype=np.bool_)
        filled[self.album_start : self.genre_start] = bool(pattern & HAS_ALBUM)
        filled[self.genre_start : self.duration_column] = bool(pattern & HAS_GENRES)
        filled[self.popularity_column] = bool(pattern & HAS_POPULARITY)
        return filled

    def encode(self, tracks: TrackBatch) -> EncodedTracks:
        """Encode n tracks. A genre list without a genre of the vocabulary counts as missing."""
        artist = [self.artist.encode(artist) for artist in tracks.artist]
        album = [self.album.encode(album or "") for album in tracks.album]
        genres = [self._encode_genres(tuple(genres)) for genres in tracks.genres]
        popularity = known_popularity(tracks)
        numbers = np.column_stack([self.log_duration.scores(log_durations(tracks)), self.popularity.scores(popularity)])
        blocks = [
            entries(artist),
            entries(album, self.album_start),
            entries(genres, self.genre_start),
            _number_entries(numbers, self.duration_column),
        ]
        rows, columns, weights = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        has_album = np.array([bool(album and not album.isspace()) for album in tracks.album], dtype=np.intp)
        has_genres = np.array([row.columns.size > 0 for row in genres], dtype=np.intp)
        has_popularity = (~np.isnan(popularity)).astype(np.intp)
        pattern = HAS_ALBUM * has_album + HAS_GENRES * has_genres + HAS_POPULARITY * has_popularity
        artist_known = np.array([row.columns.size > 0 for row in artist], dtype=np.intp)
        return EncodedTracks(self.n_columns, rows, columns, weights, pattern, artist_known)

    def _encode_genre_list(self, genres: tuple[str, ...]) -> SparseRow:
        found = {column for genre in genres if (column := self._genre_column.get(normalize_genre(genre))) is not None}
        columns = np.array(sorted(found), dtype=np.int32)
        return SparseRow(columns, np.ones(len(columns), dtype=np.float32))

    def vocabulary(self) -> dict[str, list[str]]:
        """The vocabularies as JSON-ready lists."""
        return {"artist": list(self.artist.terms), "album": list(self.album.terms), "genres": list(self.genres)}

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The numbers that belong to the vocabularies."""
        return {
            "artist_idf": self.artist.idf,
            "album_idf": self.album.idf,
            "log_duration": np.array([self.log_duration.mean, self.log_duration.std]),
            "popularity": np.array([self.popularity.mean, self.popularity.std]),
        }

    @classmethod
    def restore(cls, vocabulary: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]) -> "RidgeInputs":
        """The inverse of `vocabulary` and `arrays`."""
        return cls(
            TfidfEncoder(vocabulary["artist"], arrays["artist_idf"]),
            TfidfEncoder(vocabulary["album"], arrays["album_idf"]),
            vocabulary["genres"],
            Standardizer(*map(float, arrays["log_duration"])),
            Standardizer(*map(float, arrays["popularity"])),
        )


def normalize_genre(genre: str) -> str:
    """The form in which genres are compared."""
    return normalize_text(genre).strip()


def log_durations(tracks: TrackBatch) -> NDArray[np.float64]:
    """Natural logarithm of the durations in milliseconds, [n]; NaN where unknown or not positive."""
    duration_ms = np.array(tracks.duration_ms, dtype=np.float64)
    return np.log(np.where(duration_ms > 0, duration_ms, np.nan))


def known_popularity(tracks: TrackBatch) -> NDArray[np.float64]:
    """Popularity 0..100, [n]; NaN where unknown."""
    return np.array(tracks.popularity, dtype=np.float64)


def _number_entries(
    numbers: NDArray[np.float64], start: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Rows, columns and weights of a block of dense [n, k] numbers whose first column is `start`."""
    rows, columns = np.nonzero(numbers)
    return rows, columns + start, numbers[rows, columns].astype(np.float32)
