"""EASE, a linear autoencoder over items, solved exactly in its dual form.

Source: H. Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019. The weights are a ridge regression
of every item on all others, B = I - P / diag(P) with P = (A'A + lambda I)^-1, so that the diagonal of B is zero. With
fewer rows than items the Woodbury identity gives P = (I - A'MA) / lambda, where M = (AA' + lambda I)^-1 is only
[rows, rows]. Neither P nor B is ever formed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Ridge penalty, for rows of mean weight 1.
PENALTY = 150.0
# Items whose columns are multiplied with M at once: 2,048 x 5,000 rows are 40 MB.
_STEP = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Ease:
    """Scores items for any user, also for one it was not fitted on."""

    columns: "csr_array"  #: [n, r] float32, A'.
    dual: NDArray[np.float32]  #: [r, r], lambda M; symmetric.
    diagonal: NDArray[np.float32]  #: [n], the diagonal of lambda P, within (0, 1].
    penalty: float  #: lambda

    @classmethod
    def fit(cls, matrix: "csr_array", penalty: float = PENALTY) -> Self:
        """Learn from rows of weights, [r, n]; memory r ** 2, time r ** 3."""
        columns = matrix.astype(np.float32).T.tocsr()
        dual = _inverse((columns.T @ columns).toarray(), penalty)
        dual *= np.float32(penalty)
        return cls(columns, dual, _diagonal(columns, dual, penalty), penalty)

    def scores(self, row: "csr_array") -> NDArray[np.float32]:
        """Scores [n] for the one user of `row`, [1, n]."""
        own = row.toarray()[0]
        return np.asarray(own - self._residual(row, own) / self.diagonal, dtype=np.float32)

    def score_many(self, rows: "csr_array") -> NDArray[np.float32]:
        """Scores [k, n] for k users given as rows of weights, [k, n]. An item a user has is scored by the others."""
        if rows.shape[0] == 1:
            return self.scores(rows)[None]
        own = rows.toarray()
        weights = (rows @ self.columns).toarray() @ self.dual / np.float32(self.penalty)
        residual = own - (self.columns @ weights.T).T
        return np.asarray(own - residual / self.diagonal, dtype=np.float32)

    def score_without(self, row: "csr_array", left_out: "csr_array") -> NDArray[np.float32]:
        """Scores [n] for the user of `row` as if `left_out`, one of the fitted rows, had never been there; both [1, n].

        Exact, by the formula of Sherman and Morrison for a row that leaves A'A.
        """
        own, leaving = row.toarray()[0], left_out.toarray()[0]
        direction = self._residual(left_out, leaving)
        room = self.penalty - float(leaving @ direction)
        residual = self._residual(row, own) + float(own @ direction) / room * direction
        return np.asarray(own - residual / (self.diagonal + direction**2 / room), dtype=np.float32)

    def _residual(self, row: "csr_array", own: NDArray[np.float32]) -> NDArray[np.float32]:
        """lambda x P = x - x A'MA of one user x, [n]."""
        from scipy.linalg.blas import ssymv

        overlap = (row @ self.columns).toarray()[0]
        # Reading the matrix is what takes the time; it is symmetric, so that one triangle will do.
        weights = ssymv(1 / self.penalty, self.dual.T, overlap, lower=1)
        return np.asarray(own - self.columns @ weights, dtype=np.float32)


def _inverse(gram: NDArray[np.float32], penalty: float) -> NDArray[np.float32]:
    """(gram + penalty I)^-1 of a symmetric matrix, which is overwritten."""
    from scipy.linalg import cholesky, get_lapack_funcs

    gram[np.diag_indices_from(gram)] += np.float32(penalty)
    factor = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    (invert,) = get_lapack_funcs(("potri",), (factor,))
    half, _ = invert(factor, lower=1, overwrite_c=1)
    lower = np.tril(half)
    return np.asarray(lower + np.tril(lower, -1).T, dtype=np.float32)


def _diagonal(columns: "csr_array", dual: NDArray[np.float32], penalty: float) -> NDArray[np.float32]:
    """1 - a_j' M a_j for every item j, [n]."""
    explained = np.empty(columns.shape[0], dtype=np.float32)
    for start in range(0, len(explained), _STEP):
        part = columns[start : start + _STEP]
        explained[start : start + _STEP] = np.asarray(part.multiply(part @ dual).sum(axis=1)).ravel()
    return np.asarray(1.0 - explained / penalty, dtype=np.float32)
