"""How far two estimates are apart: the signal that the platform's study found to tell when to trust which."""

import numpy as np
from numpy.typing import NDArray

from models.evaluation.errors import IN_BENCHMARK, SCALES
from models.routing.protocol import Pair


def divergence(pair: Pair) -> NDArray[np.float64]:
    """Absolute difference of the two estimates of each value over the scale of its feature, [n, 9]; NaN: unknown."""
    return np.asarray(np.abs(pair.other.astype(np.float64) - pair.base) / SCALES, dtype=np.float64)


def track_divergence(pair: Pair) -> NDArray[np.float64]:
    """Mean divergence of each track over the values of the benchmark's eight features that are known twice, [n].

    NaN where there is none.
    """
    own = divergence(pair)[:, IN_BENCHMARK]
    known = ~np.isnan(own)
    sums = np.where(known, own, 0.0).sum(axis=1)
    means = np.full(len(own), np.nan)
    np.divide(sums, known.sum(axis=1), out=means, where=known.any(axis=1))
    return means
