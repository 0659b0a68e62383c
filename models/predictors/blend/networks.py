"""Small networks at inference, in NumPy: weighted sums of embeddings beside dense inputs, then three layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.predictors.blend.vocabulary import SparseRows

# A track must get the same answer in any batch. So products are of one height, and of one at which all rows round
# alike: on some processors OpenBLAS treats the last rows in a way of its own unless there are eight, four, two or one.
_BLOCK = 8
_LAYERS = 3
_LEAST_DEVIATION = 1e-3
_LEAST_UNIT = 1e-4


@dataclass(frozen=True, slots=True)
class Network:
    """One small network: weighted sums of embeddings beside the dense inputs, then three layers."""

    embeddings: list[NDArray[np.float32]]  #: [columns of the group, e] for each group of kinds; may be none
    layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]]  #: (weights [in, out], bias [out]) of each layer

    def run(self, groups: list[SparseRows], dense: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs [n, 9 q] for the tokens of each group and the standardized dense inputs [n, c]."""
        pooled = [weighted_sums(table, tokens) for table, tokens in zip(self.embeddings, groups, strict=True)]
        hidden = np.hstack([*pooled, dense])
        blocks = [self._block(hidden[start : start + _BLOCK]) for start in range(0, len(hidden), _BLOCK)]
        return np.concatenate(blocks)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Everything, under names that begin with `name`: embeddings in eight bits, weights in half precision."""
        stored: dict[str, NDArray[Any]] = {}
        for group, table in enumerate(self.embeddings):
            part = f"{name}_embeddings{group}"
            stored[part], stored[f"{part}_scales"] = quantized(table)
        for layer, (weights, bias) in enumerate(self.layers):
            stored[f"{name}_weights{layer}"] = weights.astype(np.float16)
            stored[f"{name}_bias{layer}"] = bias
        return stored

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], name: str, n_groups: int) -> Self:
        """The inverse of `arrays`."""
        tables = [f"{name}_embeddings{group}" for group in range(n_groups)]
        return cls(
            [arrays[table].astype(np.float32) * arrays[f"{table}_scales"][:, None] for table in tables],
            [
                (arrays[f"{name}_weights{layer}"].astype(np.float32), arrays[f"{name}_bias{layer}"])
                for layer in range(_LAYERS)
            ],
        )

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


def moments(dense: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation [c] of the known values of each column; 0 and 1 for a column without any.

    A column that hardly varies counts as varying a little, so that standardizing it does not blow up its noise.
    """
    known = ~np.isnan(dense)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, dense, 0).astype(np.float64)
    mean = filled.sum(axis=0) / count
    deviation = np.sqrt(np.where(known, (filled - mean) ** 2, 0).sum(axis=0) / count)
    deviation = np.where(known.any(axis=0), np.maximum(deviation, _LEAST_DEVIATION), 1.0)
    return mean.astype(np.float32), deviation.astype(np.float32)


def unit(errors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The mean size of errors [n, 9] of each feature, [9], as a unit for them; never zero."""
    return np.asarray(np.maximum(np.abs(errors).mean(axis=0), _LEAST_UNIT), dtype=np.float32)


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
