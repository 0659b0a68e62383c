"""From what is known of a track to numbers: rows of embedding tables, and standardized metadata.

Training and inference share this module, so that they can never disagree about an input.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.predictors.neural.bags import Bags
from models.predictors.neural.inputs import MAX_GENRES, MAX_MOODS, NetworkInputs
from models.predictors.neural.tokens import NgramVocabulary
from models.tfidf import CACHE_SIZE, normalize_text

#: The metadata of a track, in the order of the network's inputs; each has a flag "unknown" behind all numbers.
NUMBERS = ("duration_ms", "release_year", "explicit", "track_number", "album_total_tracks", "decade")
N_METADATA = 2 * len(NUMBERS)
#: Tracks of which as much is known share their intervals.
N_STRATA = 4
#: What stands in for an unknown duration and year.
DEFAULT_DURATION_MS, DEFAULT_YEAR = 180_000, 2_000

# A genre or mood of fewer training tracks is no word of the vocabulary.
_MIN_LABEL_COUNT = 5
# Years outside are mistakes of tagging: treated as unknown.
_FIRST_YEAR, _LAST_YEAR = 1860, 2100
# A live set of three hours must not drag the network off.
_MAX_STANDARD_SCORE = 4.0


@dataclass(frozen=True, slots=True)
class EncodedTracks:
    """n tracks as the network's branches read them."""

    names: Bags  #: Whole names of the artists
    words: Bags  #: Words of artist and title
    grams: Bags  #: Character n-grams of the text
    genres: Bags
    moods: Bags
    metadata: NDArray[np.float32]  #: [n, N_METADATA]: standard scores, then flags
    artist_known: NDArray[np.intp]  #: [n], 1 where the first artist's name is in the vocabulary, else 0

    @property
    def strata(self) -> NDArray[np.intp]:
        """How much is known of each track, [n] in 0..N_STRATA - 1: one bit for the artist's name, one for a genre."""
        return 2 * self.artist_known + (self.genres.lengths > 0)


@dataclass(frozen=True, slots=True)
class MetadataScaler:
    """Standardizes metadata. A number no training track had stays unknown for ever: nothing was learned of it."""

    means: NDArray[np.float32]  #: [6]
    stds: NDArray[np.float32]  #: [6]; 0 where no training track has the number

    @classmethod
    def fit(cls, inputs: NetworkInputs) -> "MetadataScaler":
        """Learn means and standard deviations from the known numbers of training tracks."""
        columns = [column[~np.isnan(column)] for column in _numbers(inputs).T]
        means = [column.mean() if column.size else 0.0 for column in columns]
        stds = [(column.std() or 1.0) if column.size else 0.0 for column in columns]
        return cls(np.array(means, dtype=np.float32), np.array(stds, dtype=np.float32))

    def encode(self, inputs: NetworkInputs) -> NDArray[np.float32]:
        """Bounded standard scores and flags, [n, N_METADATA]."""
        return self.standardize(_numbers(inputs))

    def standardize(self, numbers: NDArray[np.float64]) -> NDArray[np.float32]:
        """The same from raw numbers [n, 6]; NaN means unknown."""
        seen = self.stds > 0
        unknown = np.isnan(numbers) | ~seen
        filled = np.where(unknown, self._stand_ins(), numbers)
        scores = np.where(seen, (filled - self.means) / np.where(seen, self.stds, 1.0), 0.0)
        bounded = np.clip(scores, -_MAX_STANDARD_SCORE, _MAX_STANDARD_SCORE)
        return np.concatenate([bounded, unknown], axis=1).astype(np.float32)

    def _stand_ins(self) -> NDArray[np.float64]:
        """What replaces unknown numbers, [6]: the agreed duration and year, and the mean of the others."""
        stand_ins = self.means.astype(np.float64)
        stand_ins[[NUMBERS.index("duration_ms"), NUMBERS.index("release_year"), NUMBERS.index("decade")]] = (
            np.log(DEFAULT_DURATION_MS),
            DEFAULT_YEAR,
            DEFAULT_YEAR,
        )
        return stand_ins


class TrackEncoder:
    """Encodes tracks over fixed vocabularies."""

    def __init__(
        self, text: NgramVocabulary, genres: Sequence[str], moods: Sequence[str], scaler: MetadataScaler
    ) -> None:
        self.text, self.genres, self.moods, self.scaler = text, tuple(genres), tuple(moods), scaler
        self._genre_row = {genre: row for row, genre in enumerate(self.genres)}
        self._mood_row = {mood: row for row, mood in enumerate(self.moods)}

    def encode(self, inputs: NetworkInputs) -> EncodedTracks:
        """Encode n tracks; words, genres and moods outside the vocabularies are passed over."""
        texts = [self.text.encode(artist, title) for artist, title in zip(inputs.artist, inputs.title, strict=True)]
        return EncodedTracks(
            names=Bags.of([text.names for text in texts]),
            words=Bags.of([text.words for text in texts]),
            grams=Bags.of([text.grams for text in texts]),
            genres=Bags.of([_label_rows(labels, self._genre_row, MAX_GENRES) for labels in inputs.genres]),
            moods=Bags.of([_label_rows(labels, self._mood_row, MAX_MOODS) for labels in inputs.moods]),
            metadata=self.scaler.encode(inputs),
            artist_known=np.array([self.text.knows_artist(artist) for artist in inputs.artist], dtype=np.intp),
        )

    def vocabulary(self) -> dict[str, list[str]]:
        """The vocabularies as JSON-ready lists."""
        return {"text": list(self.text.terms), "genres": list(self.genres), "moods": list(self.moods)}

    @classmethod
    def restore(
        cls, vocabulary: Mapping[str, Sequence[str]], means: NDArray[Any], stds: NDArray[Any]
    ) -> "TrackEncoder":
        """The inverse of `vocabulary` and of the scaler's arrays."""
        text = NgramVocabulary(vocabulary["text"])
        return cls(text, vocabulary["genres"], vocabulary["moods"], MetadataScaler(means, stds))


def fit_labels(lists: Sequence[Sequence[str]]) -> list[str]:
    """The genres or moods that enough training tracks have, sorted."""
    counts = Counter(label for labels in lists for label in {_normalized(label) for label in labels})
    return sorted(label for label, count in counts.items() if count >= _MIN_LABEL_COUNT and label)


def _label_rows(labels: Sequence[str], row_of: Mapping[str, int], most: int) -> list[int]:
    """Rows of the first `most` different known labels."""
    if not labels or not row_of:
        return []
    found = dict.fromkeys(row for label in labels if (row := row_of.get(_normalized(label))) is not None)
    return list(found)[:most]


@lru_cache(maxsize=CACHE_SIZE)
def _normalized(label: str) -> str:
    return normalize_text(label).strip()


def _numbers(inputs: NetworkInputs) -> NDArray[np.float64]:
    """Raw metadata [n, 6] in the order of `NUMBERS`, durations as logarithms; NaN where unknown or impossible."""
    duration, year, explicit, number, total, decade = (
        np.array(getattr(inputs, name), dtype=np.float64).reshape(-1) for name in NUMBERS
    )
    year, decade = (np.where((years >= _FIRST_YEAR) & (years <= _LAST_YEAR), years, np.nan) for years in (year, decade))
    columns = [
        np.log(np.where(duration > 0, duration, np.nan)),
        year,
        explicit,
        np.log1p(np.where(number > 0, number, np.nan)),
        np.log1p(np.where(total > 0, total, np.nan)),
        np.where(np.isnan(decade), np.floor(year / 10) * 10, decade),
    ]
    return np.stack(columns, axis=1)
