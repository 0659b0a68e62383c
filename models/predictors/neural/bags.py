"""Bags of table rows: a varying number of embeddings per track, averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_INT8_MAX = 127


@dataclass(frozen=True, slots=True)
class Bags:
    """Rows of a table for each of n tracks, end to end."""

    rows: NDArray[np.int64]  #: [entries]
    lengths: NDArray[np.int64]  #: [n], entries of each track; may be 0

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> "Bags":
        """Join one list per track."""
        lengths = np.array([len(rows) for rows in lists], dtype=np.int64)
        return cls(np.array([row for rows in lists for row in rows], dtype=np.int64), lengths)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the entries of each track begin, [n]."""
        return np.asarray(np.cumsum(self.lengths) - self.lengths, dtype=np.int64)

    def owners(self) -> NDArray[np.int64]:
        """The track of each entry, [entries]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def take(self, tracks: NDArray[np.integer]) -> "Bags":
        """The bags of the given tracks, in that order."""
        lengths = self.lengths[tracks]
        shift = self.starts[tracks] - (np.cumsum(lengths) - lengths)
        return Bags(self.rows[np.arange(lengths.sum()) + np.repeat(shift, lengths)], lengths)

    def keep(self, kept: NDArray[np.bool_]) -> "Bags":
        """Only the entries where `kept`, a mask of length [entries], is true."""
        lengths = np.bincount(self.owners()[kept], minlength=len(self)).astype(np.int64)
        return Bags(self.rows[kept], lengths)


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """Embeddings in half precision, or in eight bits with one scale per row."""

    values: NDArray[np.float16] | NDArray[np.int8]  #: [rows, d]
    scales: NDArray[np.float32]  #: [rows]; an embedding is `values * scale`

    @classmethod
    def half(cls, embeddings: NDArray[np.floating]) -> "EmbeddingTable":
        """Half precision; exact for embeddings already rounded to it."""
        return cls(embeddings.astype(np.float16), np.ones(len(embeddings), dtype=np.float32))

    @classmethod
    def int8(cls, embeddings: NDArray[np.floating]) -> "EmbeddingTable":
        """Symmetric quantization row by row: the largest coordinate of a row becomes 127."""
        largest = np.abs(embeddings.astype(np.float32)).max(axis=1, initial=0.0)
        scales = np.where(largest > 0, largest, 1.0).astype(np.float32) / np.float32(_INT8_MAX)
        return cls(np.rint(embeddings / scales[:, None]).astype(np.int8), scales)

    def pool(self, bags: Bags) -> NDArray[np.float32]:
        """Mean embedding of each bag, [n, d]; zeros for an empty one.

        Each sum runs over the entries of its own bag in order, so a track gets the same bits in any batch.
        """
        pooled = np.zeros((len(bags), self.values.shape[1]), dtype=np.float32)
        filled = np.flatnonzero(bags.lengths)
        if filled.size:
            entries = self.values[bags.rows].astype(np.float32) * self.scales[bags.rows, None]
            sums = np.add.reduceat(entries, bags.starts[filled], axis=0)
            pooled[filled] = sums / bags.lengths[filled, None].astype(np.float32)
        return pooled
