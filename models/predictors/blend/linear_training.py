"""Training of the linear models: ridge regressions on tokens and dense inputs, by conjugate gradients."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from models.predictors.blend.tokens import KINDS
from models.predictors.blend.vocabulary import SparseRows, Vocabulary

ALPHA = 25.0
# How much a kind of token may say, before the penalty: words of titles are many and mean little each.
KIND_SCALES = dict(zip(KINDS, (2.0, 1.2, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7), strict=True))
_DENSE_SCALE = 0.5
_ITERATIONS = 40


@dataclass(frozen=True, slots=True)
class LinearInputs:
    """The scaled inputs of n tracks as one sparse matrix, tokens first."""

    matrix: Any  #: scipy CSR [n, v + c]
    scale: NDArray[np.float32]  #: [v + c], by which each column was multiplied
    n_tokens: int  #: v

    @classmethod
    def of(cls, tokens: SparseRows, dense: NDArray[np.float32], vocabulary: Vocabulary) -> "LinearInputs":
        """`dense` is standardized, [n, c]."""
        n_tokens = len(vocabulary)
        scale = np.full(n_tokens + dense.shape[1], _DENSE_SCALE, dtype=np.float32)
        for kind, (first, end) in vocabulary.ranges.items():
            scale[first:end] = KIND_SCALES[kind]
        weights = tokens.weights * scale[tokens.columns]
        sparse = csr_matrix((weights, tokens.columns, tokens.starts), (len(tokens), n_tokens))
        return cls(hstack([sparse, csr_matrix(dense * np.float32(_DENSE_SCALE))]).tocsr(), scale, n_tokens)

    def fit(
        self, rows: NDArray[np.intp], targets: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coefficients of the unscaled tokens [v, 9] and dense inputs [c, 9], from the given rows.

        `targets` are centered, [n, 9]; `weights` [n].
        """
        root = np.sqrt(weights[rows])[:, None]
        x = self.matrix[rows].multiply(root).tocsr().astype(np.float32)
        coefficients = _solve(x, targets[rows] * root) * self.scale[:, None]
        return coefficients[: self.n_tokens], coefficients[self.n_tokens :]


def _solve(x: Any, y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Minimize ||x b - y||^2 + ALPHA ||b||^2 for all targets at once; stopping early regularizes, too."""
    transposed = x.T.tocsr()
    solution = np.zeros((x.shape[1], y.shape[1]), dtype=np.float32)
    residual = transposed @ y
    direction = residual.copy()
    size = (residual * residual).sum(axis=0)
    for _ in range(_ITERATIONS):
        curved = transposed @ (x @ direction) + np.float32(ALPHA) * direction
        step = size / np.maximum((direction * curved).sum(axis=0), np.float32(1e-20))
        solution += step * direction
        residual -= step * curved
        before, size = size, (residual * residual).sum(axis=0)
        direction = residual + (size / np.maximum(before, np.float32(1e-20))) * direction
    return solution
