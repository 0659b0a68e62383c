"""Item-kNN: an item is as good as the items of the user it is heard together with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Neighbors that an item keeps.
NEIGHBORS = 100
#: Added to the norms, so that two items with one listener each are not taken for the same.
SHRINKAGE = 10.0
# Items compared with all others at once.
_STEP = 1024


@dataclass(frozen=True, slots=True, eq=False)
class ItemKnn:
    """Cosine of listeners, the nearest items only."""

    similarity: "csr_array"  #: [n, n] float32; row i are the neighbors of item i, itself not among them.

    @classmethod
    def fit(cls, matrix: "csr_array", neighbors: int = NEIGHBORS, shrinkage: float = SHRINKAGE) -> Self:
        """Learn from rows of weights, [rows, n]."""
        from scipy.sparse import vstack

        rows = matrix.astype(np.float32).tocsr()
        columns = rows.T.tocsr()
        norms = np.sqrt(np.asarray(columns.power(2).sum(axis=1)).ravel())
        steps = range(0, columns.shape[0], _STEP)
        parts = [_nearest(columns[i : i + _STEP] @ rows, i, norms, neighbors, shrinkage) for i in steps]
        return cls(vstack(parts, format="csr"))

    def scores(self, row: "csr_array") -> NDArray[np.float32]:
        """Scores [n] for the one user of `row`, [1, n]."""
        near = self.similarity[row.indices]
        weights = near.data * np.repeat(row.data, np.diff(near.indptr))
        return np.bincount(near.indices, weights, minlength=near.shape[1]).astype(np.float32)

    def score_many(self, rows: "csr_array") -> NDArray[np.float32]:
        """Scores [k, n] for k users given as rows of weights, [k, n]: the sum over the items a user has."""
        if rows.shape[0] == 1:
            return self.scores(rows)[None]
        return np.asarray((rows @ self.similarity).toarray(), dtype=np.float32)


def _nearest(
    products: "csr_array", first: int, norms: NDArray[np.float32], neighbors: int, shrinkage: float
) -> "csr_array":
    """The greatest cosines of each row of `products`, whose rows are the items from `first` on."""
    from scipy.sparse import csr_array

    found = products.tocoo()
    other = found.row + first != found.col
    row, column = found.row[other], found.col[other]
    cosine = found.data[other] / (norms[row + first] * norms[column] + shrinkage)
    # To find which may be among the greatest takes a fraction of the time it takes to sort all.
    near = _not_below_greatest(np.bincount(row, minlength=products.shape[0]), cosine, neighbors)
    row, column, cosine = row[near], column[near], cosine[near]
    order = np.lexsort((column, -cosine, row))
    starts = np.searchsorted(row[order], np.arange(products.shape[0]))
    kept = order[np.arange(len(order)) - starts[row[order]] < neighbors]
    return csr_array((cosine[kept].astype(np.float32), (row[kept], column[kept])), shape=products.shape)


def _not_below_greatest(counts: NDArray[np.intp], values: NDArray[np.float32], greatest: int) -> NDArray[np.bool_]:
    """Which of the values, [m], in groups of these sizes one after the other, are not below the k-th of their group."""
    kept = np.ones(len(values), dtype=np.bool_)
    ends = np.cumsum(counts)
    for group in np.flatnonzero(counts > greatest):
        span = slice(ends[group] - counts[group], ends[group])
        kept[span] = values[span] >= np.partition(values[span], -greatest)[-greatest]
    return kept
