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
from models.predictors.blend.tokens import GROUPS
from models.predictors.blend.vocabulary import SparseRows

#: Quantiles of each feature that the networks predict.
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
MEDIAN = QUANTILES.index(0.5)

#: What a residual or a value is divided by, so that features compare, [9].
SCALES = np.array([feature.scale for feature in FEATURES])

# Matrix products of another height may round differently, and a track must get the same answer in any batch.
_BLOCK = 32
_LINEAR_SHARE = 0.35


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
class Network:
    """One small network: weighted sums of embeddings beside the dense inputs, then three layers."""

    embeddings: list[NDArray[np.float32]]  #: [columns of the group, e] for each group of kinds
    layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]]  #: (weights [in, out], bias [out]) of each layer

    def run(self, groups: list[SparseRows], dense: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs [n, 9 q] for the tokens of each group and the standardized dense inputs [n, c]."""
        pooled = [weighted_sums(table, tokens) for table, tokens in zip(self.embeddings, groups, strict=True)]
        hidden = np.hstack([*pooled, dense])
        blocks = [self._block(hidden[start : start + _BLOCK]) for start in range(0, len(hidden), _BLOCK)]
        return np.concatenate(blocks)

    def _block(self, hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        n = len(hidden)
        if n < _BLOCK:
            hidden = np.vstack([hidden, np.zeros((_BLOCK - n, hidden.shape[1]), dtype=np.float32)])
        for weights, bias in self.layers[:-1]:
            hidden = hidden @ weights + bias
            hidden *= 0.5 * (1.0 + np.tanh(0.5 * hidden))  # SiLU, in a form that cannot overflow
        weights, bias = self.layers[-1]
        outputs: NDArray[np.float32] = hidden @ weights + bias
        return outputs[:n]


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
            for group, table in enumerate(network.embeddings):
                name = f"network{at}_embeddings{group}"
                stored[name], stored[f"{name}_scales"] = quantized(table)
            for layer, (weights, bias) in enumerate(network.layers):
                stored[f"network{at}_weights{layer}"] = weights.astype(np.float16)
                stored[f"network{at}_bias{layer}"] = bias
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
            [_network(arrays, f"network{at}") for at in range(len(token))],
        )


def standardized(
    dense: NDArray[np.float32], mean: NDArray[np.float32], deviation: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Dense inputs on a common scale; what is missing or far out becomes harmless."""
    scaled = np.nan_to_num((dense - mean) / deviation, nan=0.0)
    return np.asarray(np.clip(scaled, -4.0, 4.0), dtype=np.float32)


def split_groups(tokens: SparseRows, sizes: list[int]) -> list[SparseRows]:
    """The tokens of each group of kinds, whose columns follow one another."""
    ends = np.cumsum(sizes).tolist()
    return [tokens.between(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def weighted_sums(table: NDArray[np.float32], tokens: SparseRows) -> NDArray[np.float32]:
    """Sum of the weighted table rows of each track, [n, d]. A track gets the same bits in any batch."""
    sums = np.zeros((len(tokens), table.shape[1]), dtype=np.float32)
    filled = np.flatnonzero(np.diff(tokens.starts))
    if filled.size:
        entries = table[tokens.columns] * tokens.weights[:, None]
        sums[filled] = np.add.reduceat(entries, tokens.starts[filled], axis=0)
    return sums


def quantized(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Eight bits a number and one scale a row: the largest number of a row becomes 127."""
    scales = np.maximum(np.abs(table).max(axis=1, initial=0.0), np.float32(1e-12)) / np.float32(127)
    return np.rint(table / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _network(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Network:
    names = [f"{prefix}_embeddings{group}" for group in range(len(GROUPS))]
    embeddings = [arrays[name].astype(np.float32) * arrays[f"{name}_scales"][:, None] for name in names]
    layers = [
        (arrays[f"{prefix}_weights{layer}"].astype(np.float32), arrays[f"{prefix}_bias{layer}"]) for layer in range(3)
    ]
    return Network(embeddings, layers)
