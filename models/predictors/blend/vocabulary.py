"""Tokens as columns: TF-IDF rows, each kind of token scaled to unit length by itself."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.predictors.blend.tokens import FEWEST_TRACKS, GROUPS, KINDS


@dataclass(frozen=True, slots=True)
class SparseRows:
    """n rows of weighted columns, end to end."""

    columns: NDArray[np.int32]  #: [entries]
    weights: NDArray[np.float32]  #: [entries]
    starts: NDArray[np.int64]  #: [n + 1]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: NDArray[np.integer]) -> "SparseRows":
        """The given rows, in that order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return SparseRows(self.columns[entries], self.weights[entries], starts)

    def between(self, first: int, end: int) -> "SparseRows":
        """Only the columns from `first` to before `end`, counted from `first`."""
        kept = (self.columns >= first) & (self.columns < end)
        before = np.concatenate([[0], np.cumsum(kept)])
        return SparseRows(self.columns[kept] - first, self.weights[kept], before[self.starts])


class Vocabulary:
    """The known tokens of every kind. Columns of one kind lie together, in the order of `KINDS`."""

    def __init__(self, terms: Mapping[str, Sequence[str]], idf: NDArray[np.float32]) -> None:
        self.terms = {kind: list(terms[kind]) for kind in KINDS}
        self.idf = idf
        self.ranges: dict[str, tuple[int, int]] = {}
        self._column: dict[str, dict[str, int]] = {}
        first = 0
        for kind in KINDS:
            self._column[kind] = {term: first + at for at, term in enumerate(self.terms[kind])}
            self.ranges[kind] = (first, first + len(self.terms[kind]))
            first = self.ranges[kind][1]
        if first != len(idf):
            raise ValueError(f"{first} terms but {len(idf)} weights")

    def __len__(self) -> int:
        return len(self.idf)

    @classmethod
    def fit(cls, tracks: Sequence[Mapping[str, Sequence[str]]]) -> Self:
        """Learn the tokens that enough tracks have; each track maps kinds to its distinct tokens."""
        terms, idf = {}, []
        for kind in KINDS:
            seen = Counter(token for track in tracks for token in track[kind])
            terms[kind] = sorted(token for token, count in seen.items() if count >= FEWEST_TRACKS[kind])
            counts = np.array([seen[token] for token in terms[kind]], dtype=np.float64)
            idf.append(np.log((1 + len(tracks)) / (1 + counts)) + 1)
        return cls(terms, np.concatenate(idf).astype(np.float32))

    @property
    def group_sizes(self) -> list[int]:
        """Columns of each group of kinds, in the order of `GROUPS`; they cover all columns."""
        return [sum(len(self.terms[kind]) for kind in group) for group in GROUPS]

    def columns(self, kind: str, tokens: Iterable[str]) -> tuple[int, ...]:
        """The columns of the known ones among the tokens of one kind, in their order."""
        column = self._column[kind]
        return tuple(column[token] for token in tokens if token in column)

    def rows(self, cells: Sequence[Sequence[int]]) -> SparseRows:
        """TF-IDF rows from the columns of each track and kind: track after track, `len(KINDS)` cells each."""
        lengths = np.array([len(cell) for cell in cells], dtype=np.int64)
        columns = np.array([column for cell in cells for column in cell], dtype=np.int32)
        weights = self.idf[columns]
        filled = np.flatnonzero(lengths)
        if filled.size:
            starts = (np.cumsum(lengths) - lengths)[filled]
            norms = np.sqrt(np.add.reduceat(weights * weights, starts))
            weights = weights / np.repeat(norms, lengths[filled])
        per_track = lengths.reshape(-1, len(KINDS)).sum(axis=1)
        return SparseRows(columns, weights.astype(np.float32), np.concatenate([[0], np.cumsum(per_track)]))

    def document(self) -> dict[str, list[str]]:
        """The terms, as JSON."""
        return self.terms

    @classmethod
    def restore(cls, document: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `document` and the array `idf`."""
        return cls(document, arrays["idf"])
