"""80 % intervals from residuals: how far off a predictor was for tracks that its weights had not seen.

The half-width of an interval is the conformal quantile of out-of-fold absolute residuals (Vovk et al., 2005; Lei et
al., 2018), taken among tracks of which the predictor knew as much, the stratum, and for which it predicted a similar
value, because errors of skewed features grow with the prediction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.protocol import INTERVAL_COVERAGE

N_BINS = 10
# A stratum with fewer residuals borrows those of its bin whatever the stratum, then those of all bins.
_FEWEST_RESIDUALS = 100


@dataclass(frozen=True, slots=True)
class IntervalTable:
    """The half-widths of one predictor; s strata, b bins of the predicted value."""

    bin_edges: NDArray[np.float32]  #: [9, b - 1], ascending, in each feature's unit
    half_widths: NDArray[np.float32]  #: [s, 9, b], in each feature's unit
    prior_uncertainty: NDArray[np.float32]  #: [9], the half-widths of knowing nothing

    @classmethod
    def fit(
        cls,
        values: NDArray[np.float64],
        targets: NDArray[np.float64],
        strata: NDArray[np.intp],
        n_strata: int,
        prior: NDArray[np.float64],
    ) -> Self:
        """Learn from out-of-fold predictions; arguments as for `half_widths`, and the `prior_uncertainty`."""
        edges = bin_edges(values)
        widths = half_widths(values, targets, edges, strata, n_strata)
        return cls(edges.astype(np.float32), widths.astype(np.float32), prior.astype(np.float32))

    def uncertainty(self, values: NDArray[np.float32], strata: NDArray[np.intp]) -> NDArray[np.float32]:
        """Half-widths of the intervals around [n, 9] values of tracks in the strata [n], [n, 9]."""
        bins = (values[:, :, None] > self.bin_edges).sum(axis=2)
        widths: NDArray[np.float32] = self.half_widths[strata[:, None], np.arange(N_FEATURES), bins]
        return widths

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Everything, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; others are ignored."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def bin_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner edges of bins holding equally many of [n, 9] predicted values, [9, N_BINS - 1]."""
    return np.quantile(values, np.arange(1, N_BINS) / N_BINS, axis=0).T


def half_widths(
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
    edges: NDArray[np.float64],
    strata: NDArray[np.intp],
    n_strata: int = 2,
) -> NDArray[np.float64]:
    """Half-widths per stratum, [n_strata, 9, N_BINS].

    Parameters
    ----------
    values, targets
        Out-of-fold predictions, clipped, and true features, [n, 9].
    edges
        Of `bin_edges`, [9, N_BINS - 1].
    strata
        [n], 0..n_strata - 1; of two, for example, 1 where a word of the artist is in the vocabulary, else 0.
    """
    residuals = np.abs(values - targets)
    widths = np.empty((n_strata, N_FEATURES, N_BINS))
    for feature, own in enumerate(residuals.T):
        bins = np.searchsorted(edges[feature], values[:, feature], side="left")
        for bin_ in range(N_BINS):
            for stratum in range(n_strata):
                alike = own[(bins == bin_) & (strata == stratum)]
                widths[stratum, feature, bin_] = conformal_quantile(_large_enough(alike, own[bins == bin_], own))
    return widths


def prior_uncertainty(targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half-widths around the mean of [n, 9] training features, which is all one can say of an unknown track, [9]."""
    from_mean = np.abs(targets - targets.mean(axis=0))
    return np.array([conformal_quantile(column) for column in from_mean.T])


def _large_enough(*groups: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first group with residuals enough to tell a quantile from, else the last."""
    return next((group for group in groups if group.size >= _FEWEST_RESIDUALS), groups[-1])


def conformal_quantile(residuals: NDArray[np.float64]) -> float:
    """The k-th smallest of n residuals, k = ceil((n + 1) coverage): holds a new one with at least that probability."""
    rank = min(int(np.ceil((residuals.size + 1) * INTERVAL_COVERAGE)), residuals.size)
    return float(np.partition(residuals, rank - 1)[rank - 1])
