"""Training of the learned router on tracks that neither estimate was learned from.

Three things are decided on rows that the parts before had not seen, in inner folds by artist: how much the trees may
correct each feature, how far each genre group draws values back to the base, and how wide the intervals are. The second
is chosen among shares that hold no group worse than the base alone, and nought is among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.side_by_side import side_by_side
from models.evaluation.errors import IN_BENCHMARK, SCALES
from models.predictors.folds import SEED, artist_folds
from models.predictors.protocol import OnProgress
from models.routing.expected_gain import GainModel
from models.routing.learned import LearnedRouter, RouterModel, first_guess
from models.routing.protocol import Pair, Routed
from models.routing.router_inputs import N_TREE_COLUMNS, Numbers, RouterInputs
from models.routing.router_intervals import RouterIntervals
from models.tree_export import export_trees

#: Version of the method; changes when the same pair would give another model.
DESIGN = "1"
OUTER_FOLDS, INNER_FOLDS = 5, 3

_TREES = 100
_LIGHTGBM = {
    "objective": "regression_l1",
    "learning_rate": 0.09,
    "num_leaves": 16,
    "min_data_in_leaf": 40,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.4,
    "max_bin": 63,
    "seed": SEED,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
_SHARES = np.linspace(0, 1, 21)
_TREE_SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_TRUST = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
#: Tracks of all groups that count in the choice of one group's trust, lest few tracks decide alone.
_PRIOR_TRACKS = 100
#: The line is drawn towards nothing as if by so many tracks for each of its columns.
_RIDGE = 4_000.0
_LINE_STEPS, _LEAST_RESIDUAL = 25, 0.02

PARAMETERS: dict[str, Any] = {
    **_LIGHTGBM,
    "trees_per_feature": _TREES,
    "line_ridge": _RIDGE,
    "inner_folds": INNER_FOLDS,
    "prior_tracks_of_trust": _PRIOR_TRACKS,
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is learned from a set of rows without looking at any other."""

    share: Numbers  #: [9]
    line: Numbers  #: [9, N_LINE_COLUMNS]
    boosters: list[Any]

    def first(self, inputs: RouterInputs) -> Numbers:
        return first_guess(inputs, self.share, self.line)

    def corrections(self, inputs: RouterInputs) -> Numbers:
        """Of the trees, normalized, [n, 9]."""
        columns = inputs.tree_columns(self.first(inputs))
        return np.column_stack([each.predict(columns, num_threads=1) for each in self.boosters])


def fit_router(pair: Pair, targets: NDArray[np.floating], artists: Sequence[str]) -> RouterModel:
    """Train on n tracks.

    Parameters
    ----------
    pair
        Estimates by predictors that have not learned from these tracks. Those without any other estimate are left out.
    targets
        True features, [n, 9].
    artists
        Credits of each track, joined with ";": inner folds keep the tracks of an artist together.
    """
    rows = np.flatnonzero(~np.isnan(pair.other).all(axis=1))
    pair, truth = _filled(pair.take(rows)), targets[rows].astype(np.float64) / SCALES
    inputs = RouterInputs.of(pair)
    folds = artist_folds([artists[row] for row in rows.tolist()], INNER_FOLDS)
    first, corrections = np.empty_like(truth), np.empty_like(truth)
    for fold in range(INNER_FOLDS):
        out = np.flatnonzero(folds == fold)
        parts = _fit_parts(pair.take(np.flatnonzero(folds != fold)), truth[folds != fold])
        unseen = RouterInputs.of(pair.take(out))
        first[out], corrections[out] = parts.first(unseen), parts.corrections(unseen)
    tree_share = _best_share(_TREE_SHARES, first, corrections, truth)
    learned = first + tree_share * corrections
    trust = _trust(inputs, learned, truth)
    routed = inputs.base + (inputs.groups @ trust)[:, None] * (learned - inputs.base)
    parts = _fit_parts(pair, truth)
    trees = export_trees([[booster] for booster in parts.boosters], N_TREE_COLUMNS, scale=tree_share)
    intervals = RouterIntervals.fit(inputs, truth - routed)
    gains = _track_errors(inputs.base - truth) - _track_errors(routed - truth)
    gain = GainModel.fit(inputs.base_uncertainty, inputs.groups, inputs.popularity, gains)
    return RouterModel(parts.share, parts.line, trees, trust, intervals, gain.coefficients, gain.unknown)


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Every track routed by a router that has not seen its artist."""

    routed: Routed
    expected_gain: Numbers  #: [n], before the look-up, by the same routers


def cross_fit(pair: Pair, targets: NDArray[np.floating], artists: Sequence[str], on_progress: OnProgress) -> CrossFit:
    """Route n tracks out of sample; arguments as for `fit_router`.

    `on_progress` is called after each of `OUTER_FOLDS` folds.
    """
    folds = artist_folds(artists, OUTER_FOLDS)
    order, parts, gains = [], [], []
    for fold in range(OUTER_FOLDS):
        seen, out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = fit_router(pair.take(seen), targets[seen], [artists[row] for row in seen.tolist()])
        unseen = pair.take(out)
        parts.append(LearnedRouter(model, DESIGN)(unseen))
        inputs = RouterInputs.of(unseen)
        gains.append(
            GainModel(model.gain, model.gain_unknown).expect(inputs.base_uncertainty, inputs.groups, inputs.popularity)
        )
        order.append(out)
        on_progress(fold + 1, OUTER_FOLDS)
    back = np.argsort(np.concatenate(order))

    def whole(name: str) -> NDArray[Any]:
        return np.asarray(np.concatenate([getattr(part, name) for part in parts])[back])

    routed = Routed(whole("values"), whole("weight"), whole("rule"), parts[0].rules, whole("uncertainty"))
    return CrossFit(routed, np.concatenate(gains)[back])


def _filled(pair: Pair) -> Pair:
    """With the base where the other estimate lacks a feature: nothing is routed there, and nothing learned."""
    lacking = np.isnan(pair.other)
    other = np.where(lacking, pair.base, pair.other)
    unsure = np.where(lacking, pair.base_uncertainty, pair.other_uncertainty)
    return replace(pair, other=other, other_uncertainty=unsure)


def _fit_parts(pair: Pair, truth: Numbers) -> _Parts:
    inputs = RouterInputs.of(pair)
    share = _best_share(_SHARES, inputs.base, inputs.apart, truth)
    anchor = inputs.base + share * inputs.apart
    line = np.stack([_fit_line(inputs.line_columns(k), (truth - anchor)[:, k]) for k in range(N_FEATURES)])
    first = first_guess(inputs, share, line)
    columns = inputs.tree_columns(first)

    def grow(target: Numbers) -> Any:
        return lightgbm.train(_LIGHTGBM, lightgbm.Dataset(columns, np.ascontiguousarray(target)), _TREES)

    return _Parts(share, line, side_by_side(grow, (truth - first).T))


def _best_share(shares: Numbers, start: Numbers, step: Numbers, truth: Numbers) -> Numbers:
    """The share of each feature's step [n, 9] that brings values [n, 9] nearest to the truth, [9]."""
    errors = [np.abs(start + share * step - truth).mean(axis=0) for share in shares]
    return np.asarray(shares[np.argmin(errors, axis=0)])


def _fit_line(columns: Numbers, target: Numbers) -> Numbers:
    """Coefficients [c] for the least absolute errors, by weighted least squares again and again, with a ridge."""
    center, scale = columns.mean(axis=0), columns.std(axis=0)
    center[0] = 0.0
    scale = np.where(scale > 0, scale, 1.0)
    standard = (columns - center) / scale
    unit = max(float(np.abs(target).mean()), 1e-9)
    wanted = target / unit
    # A column without any variation has nothing to say, apart from the constant one.
    standard[:, 1:] *= columns.std(axis=0)[1:] > 0
    coefficients = np.zeros(columns.shape[1])
    for _ in range(_LINE_STEPS):
        weight = 1 / np.maximum(np.abs(wanted - standard @ coefficients), _LEAST_RESIDUAL)
        weighted = standard * weight[:, None]
        coefficients = np.linalg.solve(weighted.T @ standard + _RIDGE * np.eye(len(center)), weighted.T @ wanted)
    plain = unit * coefficients / scale
    plain[0] -= float(plain[1:] @ center[1:])
    return np.asarray(plain)


def _track_errors(residuals: Numbers) -> Numbers:
    """Mean absolute residuals of the benchmark's features, [n]."""
    return np.asarray(np.abs(residuals)[:, IN_BENCHMARK].mean(axis=1))


def _trust(inputs: RouterInputs, learned: Numbers, truth: Numbers) -> Numbers:
    """For each genre group how far to go from the base to the learned value, never so far that it is worse off."""
    moved = learned - inputs.base
    errors = np.stack([_track_errors(inputs.base + share * moved - truth) for share in _TRUST], axis=1)
    overall = errors.mean(axis=0)
    trust = np.zeros(inputs.groups.shape[1])
    for group, member in enumerate(inputs.groups.T > 0):
        own = errors[member]
        totals = own.sum(axis=0) + _PRIOR_TRACKS * overall
        # Without tracks of the group all others decide; the base alone is allowed always.
        allowed = own.sum(axis=0) <= own.sum(axis=0)[0]
        trust[group] = _TRUST[np.argmin(np.where(allowed, totals, np.inf))]
    return trust
