"""Mixtures of Gaussians with diagonal spreads, for weighted points of which some coordinates are unknown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: No mode is narrower than this on an axis: nobody's taste is that sharp, and estimated features are not either.
SPREAD_FLOOR = 0.35
#: Points that the prior on a mode's mean (0) and spread (1) counts as much as.
_PRIOR_POINTS = 1.0
_MAX_STEPS = 40
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """k modes on d axes."""

    shares: Floats  #: [k], sums to 1.
    means: Floats  #: [k, d]
    spreads: Floats  #: [k, d], standard deviations.

    def log_density(self, points: Floats) -> Floats:
        """Log density of each point [n, d], [n]; unknown coordinates are left out, 0 where none is known."""
        return self.log_density_of(design_of(points))

    def log_density_of(self, design: Floats) -> Floats:
        """The same, of points whose `design_of` is at hand."""
        return _log_sum(_joint(design, self.shares, self.means, self.spreads))


def fit_mixture(points: Floats, weights: Floats, modes: int, seed: int) -> Mixture:
    """Expectation maximization from a k-means++ start (Arthur and Vassilvitskii 2007).

    Parameters
    ----------
    points : float32 [n, d], of spread about 1 on each axis; NaN is unknown
    weights : float32 [n], >= 0
    modes : at least 1; fewer come back where there are fewer points
    seed : of the start

    Means and variances are maximum a posteriori: drawn to 0 and 1 by a prior worth `_PRIOR_POINTS` points of average
    weight. Unknown coordinates are missing at random: a mode learns an axis from the points that know it.
    """
    design, weights = design_of(points), np.asarray(weights, dtype=np.float32)
    if not len(points) or not weights.sum():
        d = points.shape[1]
        return Mixture(np.ones(1, np.float32), np.zeros((1, d), np.float32), np.ones((1, d), np.float32))
    prior = np.float32(_PRIOR_POINTS * weights.sum() / np.count_nonzero(weights))
    responsibility = _start(points, weights, min(modes, len(points)), seed)
    last = -np.inf
    for _ in range(_MAX_STEPS):
        mixture = _maximize(design, responsibility * weights[:, None], prior)
        joint = _joint(design, mixture.shares, mixture.means, mixture.spreads)
        total = _log_sum(joint)
        likelihood = float(weights @ total) / float(weights.sum())
        if likelihood - last < _TOLERANCE:
            break
        last = likelihood
        responsibility = np.exp(joint - total[:, None])
    return mixture


def choose_mixture(points: Floats, weights: Floats, most: int, seed: int) -> Mixture:
    """The mixture of 1 to `most` modes with the lowest Bayesian information criterion (Schwarz 1978).

    Points count as their effective number, (sum of weights)² / sum of squared weights. The search ends where two more
    modes in a row did not help.
    """
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    best, best_cost, worse = None, np.inf, 0
    for modes in range(1, most + 1):
        mixture = fit_mixture(points, weights, modes, seed)
        mean_log = float(weights @ mixture.log_density(points)) / float(weights.sum())
        parameters = modes * (2 * points.shape[1] + 1) - 1
        cost = -2 * effective * mean_log + parameters * np.log(effective)
        worse = worse + 1 if cost >= best_cost else 0
        if cost < best_cost:
            best, best_cost = mixture, cost
        if worse == 2:
            break
    assert best is not None
    return best


def design_of(points: Floats) -> Floats:
    """[n, 3d]: squares, values and whether they are known, so that every quadratic form is one product."""
    known = ~np.isnan(points)
    values = np.where(known, points, np.float32(0))
    return np.concatenate([values * values, values, known], axis=1, dtype=np.float32)


def _joint(design: Floats, shares: Floats, means: Floats, spreads: Floats) -> Floats:
    precision = 1 / np.square(spreads)
    constant = np.square(means) * precision - np.log(precision) + np.float32(np.log(2 * np.pi))
    columns = np.concatenate([precision, -2 * means * precision, constant], axis=1, dtype=np.float32)
    joint: Floats = np.float32(-0.5) * (design @ columns.T) + np.log(shares)
    return joint


def _log_sum(joint: Floats) -> Floats:
    highest = joint.max(axis=1)
    total: Floats = highest + np.log(np.exp(joint - highest[:, None]).sum(axis=1))
    return total


def _maximize(design: Floats, weight: Floats, prior: np.float32) -> Mixture:
    """The modes that suit weights [n, k] of the points best."""
    squares, values, known = np.split(weight.T @ design, 3, axis=1)
    means = values / (known + prior)
    variances = (squares - 2 * means * values + np.square(means) * known + prior) / (known + prior)
    shares = weight.sum(axis=0) + prior / weight.shape[1]
    spreads = np.maximum(np.sqrt(np.maximum(variances, 0)), np.float32(SPREAD_FLOOR))
    return Mixture(shares / shares.sum(), means, spreads)


def _start(points: Floats, weights: Floats, modes: int, seed: int) -> Floats:
    """Each point belongs to the nearest of well separated points, [n, k]."""
    rng = np.random.default_rng(seed)
    filled = np.nan_to_num(points, nan=0.0)
    chance = weights.astype(np.float64)
    nearest = np.full(len(points), np.inf)
    distances = np.empty((len(points), modes))
    for mode in range(modes):
        if not chance.sum():
            chance = np.ones(len(points))
        seed_point = filled[rng.choice(len(points), p=chance / chance.sum())]
        distances[:, mode] = np.square(filled - seed_point).sum(axis=1)
        nearest = np.minimum(nearest, distances[:, mode])
        chance = weights * nearest
    one_hot: Floats = np.eye(modes, dtype=np.float32)[distances.argmin(axis=1)]
    return one_hot
