"""The content of a catalog as sparse vectors: TF-IDF over artists, titles, albums and genres.

The idf is that of `models.tfidf`. A text of many words says more than one of few, yet not in proportion: each field is
divided by the square root of its L2 norm, between raw counts and unit norm (the idea of pivoted length normalization,
Singhal, Buckley and Mitra, SIGIR 1996). Then it gets its weight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog
from models.recommenders.content_fields import fields_of
from models.recommenders.content_search import search, shared
from models.recommenders.protocol import Scored

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: How much each field counts. Chosen by how well the nearest tracks of a track tell its audio features.
FIELD_WEIGHTS: Mapping[str, float] = {
    "artist": 2.0,
    "artist-word": 0.5,
    "title": 0.5,
    "album": 0.5,
    "album-word": 0.4,
    "genre": 1.0,
    "genre-word": 0.5,
}


@dataclass(frozen=True, slots=True, eq=False)
class ContentSpace:
    """n items over t terms. Terms are strings such as "artist:radiohead", the same in every space."""

    terms: Sequence[str]  #: [t]
    columns: Mapping[str, int]  #: The column of each term.
    rows: "csr_array"  #: [n, t] float32, columns ascending.
    postings: "csr_array"  #: [t, n] float32, the same turned around: the items of each term, ascending.
    norms: NDArray[np.float32]  #: [n], L2 norms of the rows, 1 at the median; 0 where nothing is known of an item.

    def __len__(self) -> int:
        return len(self.norms)

    @property
    def items_of_term(self) -> NDArray[np.int32]:
        """How many items have each term, [t]."""
        return np.asarray(np.diff(self.postings.indptr), dtype=np.int32)

    def similar(self, position: int, limit: int) -> Scored:
        """At most `limit` items of the highest cosine with an item, exactly, without the item itself.

        Items that share no term are never among them. Ties go to the lower position.
        """
        return search(self.rows, self.postings, self.norms, position, limit)

    def shared_terms(self, first: int, second: int, limit: int) -> list[str]:
        """The terms that add most to the cosine of two items, the strongest first."""
        return [self.terms[column] for column in shared(self.rows, first, second)[:limit].tolist()]

    def find(self, terms: Sequence[str]) -> NDArray[np.int32]:
        """Columns of terms, in their order; -1 for a term that no item has."""
        return np.fromiter((self.columns.get(term, -1) for term in terms), dtype=np.int32, count=len(terms))


def build_content_space(catalog: Catalog, field_weights: Mapping[str, float] = FIELD_WEIGHTS) -> ContentSpace:
    """Encode every item of a catalog."""
    from scipy.sparse import csr_array, hstack

    terms: list[str] = []
    blocks = []
    for field in fields_of(catalog):
        terms += field.terms
        blocks.append(_damped(_times_idf(field.counts), field_weights[field.name]))
    rows = csr_array(hstack(blocks, format="csr", dtype=np.float32))
    rows.data /= _median(_norms(rows))
    columns = {term: column for column, term in enumerate(terms)}
    return ContentSpace(terms, columns, _compact(rows), _compact(csr_array(rows.T.tocsr())), _norms(rows))


def _times_idf(counts: "csr_array") -> "csr_array":
    """Each term times ln((1 + items) / (1 + items that have it)) + 1."""
    items, terms = counts.shape
    having = np.bincount(counts.indices, minlength=terms)
    idf = np.log((1 + items) / (1 + having)) + 1
    weighted = counts.copy()
    weighted.data = (counts.data * idf[counts.indices]).astype(np.float32)
    return weighted


def _damped(rows: "csr_array", weight: float) -> "csr_array":
    """Rows divided by the square root of their norms; the median row gets the norm `weight`."""
    roots = np.sqrt(_norms(rows))
    factors = weight / (np.where(roots > 0, roots, 1) * _median(roots))
    rows.data *= np.repeat(factors.astype(np.float32), np.diff(rows.indptr))
    return rows


def _norms(rows: "csr_array") -> NDArray[np.float32]:
    return np.asarray(np.sqrt(rows.multiply(rows).sum(axis=1)), dtype=np.float32)


def _median(norms: NDArray[np.float32]) -> float:
    """Of those above 0; 1 where there is none."""
    positive = norms[norms > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def _compact(rows: "csr_array") -> "csr_array":
    """Columns ascending, and indexes of 32 bits: half the memory, and the only ones that solvers take."""
    rows.sort_indices()
    rows.indices, rows.indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    return rows
