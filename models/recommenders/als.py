"""Implicit-feedback ALS: factors of items, fitted by the library `implicit`, and our own fold-in of any user.

Source: Y. Hu, Y. Koren, C. Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008. An entry of
weight w is a preference of 1 that is trusted `confidence` * w times; all else is a preference of 0, trusted once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FACTORS = 128
REGULARIZATION = 80.0
CONFIDENCE = 20.0
ITERATIONS = 15


@dataclass(frozen=True, slots=True, eq=False)
class Als:
    """Scores items for any user, also for one it was not fitted on."""

    items: NDArray[np.float32]  #: [n, f], a factor of every item; zeros where nothing is known.
    gram: NDArray[np.float32]  #: [f, f], Y'Y + regularization * I of the item factors Y.
    confidence: float

    @classmethod
    def fit(
        cls,
        matrix: "csr_array",
        factors: int = FACTORS,
        regularization: float = REGULARIZATION,
        confidence: float = CONFIDENCE,
        seed: int = 0,
        threads: int = 1,
    ) -> Self:
        """Learn from rows of weights, [rows, n]; the same on every run with one thread.

        Raises ConfigurationError extra-missing where `implicit` cannot be loaded.
        """
        from scipy.sparse import csr_matrix
        from threadpoolctl import threadpool_limits

        # `implicit` runs threads of its own, and warns where the linear algebra below it does so too.
        with threadpool_limits(1, "blas"):
            model = _library()(
                factors=factors,
                regularization=regularization,
                alpha=confidence,
                iterations=ITERATIONS,
                num_threads=threads,
                random_state=seed,
            )
            model.fit(csr_matrix(matrix, dtype=np.float32), show_progress=False)
        known = np.diff(matrix.tocsc().indptr) > 0
        items = np.where(known[:, None], model.item_factors, 0).astype(np.float32)
        gram = items.T @ items + np.float32(regularization) * np.eye(items.shape[1], dtype=np.float32)
        return cls(items, gram, confidence)

    def scores(self, row: "csr_array") -> NDArray[np.float32]:
        """Scores [n] for the one user of `row`, [1, n]."""
        return np.asarray(self.score_many(row)[0])

    def score_many(self, rows: "csr_array") -> NDArray[np.float32]:
        """Scores [k, n] for k users given as rows of weights, [k, n]."""
        return np.asarray(self.fold_in(rows) @ self.items.T)

    def score_one(self, row: "csr_array") -> NDArray[np.float32]:
        """As `scores`, [n], but each item a user has is scored by the others alone: the fit without that entry.

        Exact, by the formula of Sherman and Morrison for an entry that leaves the normal equations.
        """
        normal, target = self._equations(row, 0)
        inverse = np.linalg.inv(normal)
        scores = np.asarray(self.items @ (inverse @ target), dtype=np.float32)
        own = self.items[row.indices]
        trust = self.confidence * row.data
        leverage = np.einsum("if,if->i", own @ inverse, own)
        scores[row.indices] = (scores[row.indices] - trust * leverage) / (1 - (trust - 1) * leverage)
        return scores

    def fold_in(self, rows: "csr_array") -> NDArray[np.float32]:
        """Factors [k, f] of users given as rows of weights, [k, n]: least squares against the factors of the items."""
        equations = [self._equations(rows, user) for user in range(rows.shape[0])]
        solved = [np.linalg.solve(normal, target) for normal, target in equations]
        return np.array(solved, dtype=np.float32).reshape(-1, self.items.shape[1])

    def cosine(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.float32]:
        """Cosine of the factors of two lists of items, [left, right]; 0 where nothing is known."""
        return np.asarray(self._units(left) @ self._units(right).T)

    def _units(self, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        own = self.items[positions]
        return np.asarray(own / np.maximum(np.linalg.norm(own, axis=1), 1e-9)[:, None])

    def _equations(self, rows: "csr_array", user: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The normal equations of one user, [f, f] and [f]."""
        entries = slice(rows.indptr[user], rows.indptr[user + 1])
        own = self.items[rows.indices[entries]]
        trust = self.confidence * rows.data[entries]
        return self.gram + own.T @ (own * (trust - 1)[:, None]), trust @ own


def _library() -> Any:
    """The class of `implicit`. Raises ConfigurationError extra-missing where this machine cannot load it."""
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError as error:
        raise ConfigurationError(
            "extra-missing",
            f"The library `implicit` cannot be loaded ({error}). It needs OpenMP; Debian: `apt-get install libgomp1`.",
        ) from error
    return AlternatingLeastSquares
