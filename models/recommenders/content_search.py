"""Exact cosine search in sparse rows, through the items of the query's own terms."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.protocol import Scored, best_first

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def search(rows: "csr_array", postings: "csr_array", norms: NDArray[np.float32], position: int, limit: int) -> Scored:
    """The items whose rows have the highest cosine with that of an item; see `ContentSpace.similar`."""
    terms = slice(rows.indptr[position], rows.indptr[position + 1])
    products = np.zeros(len(norms))
    for column, weight in zip(rows.indices[terms].tolist(), rows.data[terms].tolist(), strict=True):
        items = slice(postings.indptr[column], postings.indptr[column + 1])
        # An item stands at most once among those of a term, so that no addition is lost.
        products[postings.indices[items]] += weight * postings.data[items].astype(np.float64)
    products[position] = 0
    found = np.flatnonzero(products)
    cosines = (products[found] / (norms[found] * np.float64(norms[position]))).astype(np.float32)
    best = best_first(cosines, np.zeros(len(found), dtype=np.bool_), limit)
    return Scored(found[best.positions], best.scores)


def shared(rows: "csr_array", first: int, second: int) -> NDArray[np.intp]:
    """Columns that both rows have, those that add most to the cosine first."""
    one, other = (slice(rows.indptr[row], rows.indptr[row + 1]) for row in (first, second))
    columns, left, right = np.intersect1d(
        rows.indices[one], rows.indices[other], assume_unique=True, return_indices=True
    )
    products = rows.data[one][left] * rows.data[other][right]
    return np.asarray(columns[np.lexsort((columns, -products))], dtype=np.intp)
