"""80 % intervals of routed values: how far off the router was for tracks that it had not learned from.

Where both estimates agree, and the base is sure of itself, routed values are nearer to the truth: half-widths are
conformal quantiles of residuals among values alike in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.intervals import conformal_quantile
from models.routing.router_inputs import Numbers, RouterInputs

_BINS = 5
_FEWEST_RESIDUALS = 50
_INNER = np.arange(1, _BINS) / _BINS


@dataclass(frozen=True, slots=True)
class RouterIntervals:
    """Normalized half-widths by feature, uncertainty of the base, and divergence."""

    unsure_edges: NDArray[np.float32]  #: [9, 4], ascending
    apart_edges: NDArray[np.float32]  #: [9, 4], ascending
    half_widths: NDArray[np.float32]  #: [9, 5, 5]

    @classmethod
    def fit(cls, inputs: RouterInputs, residuals: Numbers) -> Self:
        """Learn from normalized out-of-fold residuals [n, 9]."""
        apart = np.nan_to_num(np.abs(inputs.apart))
        unsure_edges = np.quantile(inputs.base_uncertainty, _INNER, axis=0).T.astype(np.float32)
        apart_edges = np.quantile(apart, _INNER, axis=0).T.astype(np.float32)
        widths = np.empty((N_FEATURES, _BINS, _BINS), dtype=np.float32)
        for k, own in enumerate(np.abs(residuals).T):
            unsure = _bins(inputs.base_uncertainty[:, k : k + 1], unsure_edges[k : k + 1])[:, 0]
            far = _bins(apart[:, k : k + 1], apart_edges[k : k + 1])[:, 0]
            for i, j in np.ndindex(_BINS, _BINS):
                alike = own[(unsure == i) & (far == j)]
                enough = next((g for g in (alike, own[far == j]) if g.size >= _FEWEST_RESIDUALS), own)
                widths[k, i, j] = conformal_quantile(enough)
        return cls(unsure_edges, apart_edges, widths)

    def half_widths_of(self, inputs: RouterInputs) -> NDArray[np.float32]:
        """Normalized half-widths [n, 9]."""
        unsure = _bins(inputs.base_uncertainty, self.unsure_edges)
        far = _bins(np.nan_to_num(np.abs(inputs.apart)), self.apart_edges)
        widths: NDArray[np.float32] = self.half_widths[np.arange(N_FEATURES), unsure, far]
        return widths

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Everything, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; others are ignored."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def _bins(numbers: Numbers, edges: NDArray[np.float32]) -> NDArray[np.intp]:
    """Bin of each of [n, k] numbers between the edges [k, 4] of its column; NaN goes with the largest."""
    return np.asarray((~(numbers[:, :, None] <= edges)).sum(axis=2), dtype=np.intp)
