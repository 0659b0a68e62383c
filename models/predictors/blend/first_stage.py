"""The first stage: linear models and networks over what a track says of itself, each blind to the artists it serves.

Both come in folds. Each fold was trained without the artists of that fold and serves those; every other artist gets
the mean of all folds. So what later stages learn about errors for known artists holds for new tracks of theirs: a
model that had seen the artist would count the artist twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURES, N_FEATURES
from models.predictors.blend.description import Description
from models.predictors.blend.networks import Network, split_groups, standardized, weighted_sums
from models.predictors.blend.tokens import GROUPS
from models.predictors.blend.vocabulary import SparseRows

#: Quantiles of each feature that the networks predict.
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
MEDIAN = QUANTILES.index(0.5)

#: What a residual or a value is divided by, so that features compare, [9].
SCALES = np.array([feature.scale for feature in FEATURES])

_LINEAR_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class FirstGuess:
    """What the first stage says of n tracks, in normalized units (values divided by `SCALES`)."""

    linear: NDArray[np.float32]  #: [n, 9]
    quantiles: NDArray[np.float32]  #: [n, 9, q], of the networks

    @property
    def median(self) -> NDArray[np.float32]:
        """The networks' values, [n, 9]."""
        return self.quantiles[:, :, MEDIAN]

    @property
    def value(self) -> NDArray[np.float32]:
        """The guess that later stages correct, [n, 9]."""
        return np.float32(_LINEAR_SHARE) * self.linear + np.float32(1 - _LINEAR_SHARE) * self.median

    def take(self, rows: NDArray[np.integer]) -> "FirstGuess":
        """The given tracks, in that order."""
        return FirstGuess(self.linear[rows], self.quantiles[rows])


@dataclass(frozen=True, slots=True)
class FirstStage:
    """Linear models and networks of k folds."""

    center: NDArray[np.float32]  #: [9], normalized units; what the outputs are relative to
    spread: NDArray[np.float32]  #: [9], unit of the networks' outputs
    mean: NDArray[np.float32]  #: [c], of the dense inputs
    deviation: NDArray[np.float32]  #: [c]
    token_coefficients: NDArray[np.float32]  #: [k + 1, v, 9]; the last is the mean of the others
    dense_coefficients: NDArray[np.float32]  #: [k + 1, c, 9]
    networks: list[Network]

    def guess(self, described: Description, fold: NDArray[np.intp]) -> FirstGuess:
        """Guess for n tracks.

        Parameters
        ----------
        described
            The tracks.
        fold
            [n]; the fold that was trained without the track's artist, -1 where all were.
        """
        dense = standardized(described.dense(), self.mean, self.deviation)
        linear = np.empty((len(described), N_FEATURES), dtype=np.float32)
        quantiles = np.empty((len(described), N_FEATURES, len(QUANTILES)), dtype=np.float32)
        for which in np.unique(fold).tolist():
            rows = np.flatnonzero(fold == which)
            tokens, own = described.tokens.take(rows), dense[rows]
            linear[rows] = self._linear(tokens, own, which)
            chosen = self.networks if which < 0 else [self.networks[which]]
            groups = split_groups(tokens, [len(table) for table in chosen[0].embeddings])
            outputs = [network.run(groups, own) for network in chosen]
            mean = np.mean(outputs, axis=0, dtype=np.float32).reshape(len(rows), N_FEATURES, -1)
            quantiles[rows] = mean * self.spread[:, None] + self.center[:, None]
        return FirstGuess(linear, quantiles)

    def _linear(self, tokens: SparseRows, dense: NDArray[np.float32], fold: int) -> NDArray[np.float32]:
        sums = weighted_sums(self.token_coefficients[fold], tokens)
        # Summed row by row: a matrix product may round differently in another batch.
        linear: NDArray[np.float32] = sums + np.einsum("nc,cf->nf", dense, self.dense_coefficients[fold]) + self.center
        return linear

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name: coefficients in half precision, embeddings in eight bits."""
        stored: dict[str, NDArray[Any]] = {
            "center": self.center,
            "spread": self.spread,
            "dense_mean": self.mean,
            "dense_deviation": self.deviation,
            "token_coefficients": self.token_coefficients[:-1].astype(np.float16),
            "dense_coefficients": self.dense_coefficients[:-1],
        }
        for at, network in enumerate(self.networks):
            stored |= network.arrays(f"network{at}")
        return stored

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        token = arrays["token_coefficients"].astype(np.float32)
        dense = arrays["dense_coefficients"]
        return cls(
            arrays["center"],
            arrays["spread"],
            arrays["dense_mean"],
            arrays["dense_deviation"],
            np.concatenate([token, token.mean(axis=0, keepdims=True)]),
            np.concatenate([dense, dense.mean(axis=0, keepdims=True)]),
            [Network.restore(arrays, f"network{at}", n_groups=len(GROUPS)) for at in range(len(token))],
        )
