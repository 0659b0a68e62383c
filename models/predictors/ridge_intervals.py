"""Intervals of M1: how far off its predictions were for training tracks that the fitted weights had not seen.

The half-width of an 80 % interval is the conformal quantile of out-of-fold absolute residuals (Vovk et al., 2005;
Lei et al., 2018), taken among tracks of which the model knew as much: the same availability pattern, a known or an
unknown artist, and a similar predicted value, because errors of skewed features grow with the prediction.
"""

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.protocol import INTERVAL_COVERAGE

N_BINS = 10
# A stratum with fewer residuals borrows those of its bin whatever the artist, then those of all bins.
_FEWEST_RESIDUALS = 100


def bin_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner edges of bins holding equally many of [n, 9] predicted values, [9, N_BINS - 1]."""
    return np.quantile(values, np.arange(1, N_BINS) / N_BINS, axis=0).T


def half_widths(
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
    edges: NDArray[np.float64],
    artist_known: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Half-widths per stratum, [2, 9, N_BINS].

    Parameters
    ----------
    values, targets
        Out-of-fold predictions, clipped, and true features, [n, 9].
    edges
        Of `bin_edges`, [9, N_BINS - 1].
    artist_known
        [n], 1 where a word of the artist is in the vocabulary, else 0.
    """
    residuals = np.abs(values - targets)
    widths = np.empty((2, N_FEATURES, N_BINS))
    for feature, own in enumerate(residuals.T):
        bins = np.searchsorted(edges[feature], values[:, feature], side="left")
        for bin_ in range(N_BINS):
            for known in (0, 1):
                stratum = own[(bins == bin_) & (artist_known == known)]
                widths[known, feature, bin_] = conformal_quantile(_large_enough(stratum, own[bins == bin_], own))
    return widths


def _large_enough(*groups: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first group with residuals enough to tell a quantile from, else the last."""
    return next((group for group in groups if group.size >= _FEWEST_RESIDUALS), groups[-1])


def conformal_quantile(residuals: NDArray[np.float64]) -> float:
    """The k-th smallest of n residuals, k = ceil((n + 1) coverage): holds a new one with at least that probability."""
    rank = min(int(np.ceil((residuals.size + 1) * INTERVAL_COVERAGE)), residuals.size)
    return float(np.partition(residuals, rank - 1)[rank - 1])
