"""What most people hear: the least a recommender must beat, and all that is left for a user without a history."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    """The same scores for everyone."""

    listeners: NDArray[np.float32]  #: [n], >= 0; the order is all that counts.

    @classmethod
    def fit(cls, matrix: "csr_array") -> Self:
        """Count the rows that have each item, [rows, n]; ties go to the item of greater weight."""
        weights = np.asarray(matrix.sum(axis=0)).ravel()
        counts = np.bincount(matrix.indices[matrix.data > 0], minlength=matrix.shape[1])
        return cls((counts + weights / (1 + weights.max(initial=0.0))).astype(np.float32))

    @classmethod
    def of_catalog(cls, catalog: Catalog) -> Self:
        """The popularity that the catalog states, 0..100; unknown counts as 0."""
        return cls(np.nan_to_num(catalog.popularity, nan=0.0).astype(np.float32))

    def scores(self, row: "csr_array") -> NDArray[np.float32]:
        """Scores [n]; `row`, [1, n], makes no difference."""
        return np.asarray(self.score_many(row)[0])

    def score_many(self, rows: "csr_array") -> NDArray[np.float32]:
        """Scores [k, n] for k users."""
        return np.broadcast_to(self.listeners, (rows.shape[0], len(self.listeners)))
