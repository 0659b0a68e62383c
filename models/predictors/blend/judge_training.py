"""Training of a judge: trees and networks for the values, trees for the widths of intervals, and their calibration.

Widths follow conformalized quantile regression on absolute residuals (Romano, Patterson & Candès, 2019; Johansson et
al., 2014): trees learn the 80 % quantile of how far off the values were for tracks they had not seen; then one factor
per feature makes widths, for tracks that neither had seen, hold four fifths of the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.blend.boosting import Growth, grow, predict
from models.predictors.blend.columns import judge_columns, network_columns, offset_of, width_columns
from models.predictors.blend.judge import N_NETWORKS, Correction, Drift, JudgeParts, View, mixed
from models.predictors.blend.network_training import JUDGE, NetworkInputs, fit_network
from models.predictors.blend.networks import moments, standardized, unit
from models.predictors.intervals import conformal_quantile
from models.predictors.protocol import INTERVAL_COVERAGE
from models.tree_export import export_trees

VALUES = Growth("l1", trees=320, leaves=47, learning_rate=0.05, min_leaf=40)
# For residuals of unseen tracks: a fraction of the time, and nearly as good.
COARSE_VALUES = Growth("l1", trees=100, leaves=31, learning_rate=0.12, min_leaf=40)
WIDTHS = Growth("quantile", trees=80, leaves=15, learning_rate=0.1, min_leaf=100, quantile=INTERVAL_COVERAGE)

CV_FOLDS = 3
#: Models trained for one judge.
MODELS = 2 * (CV_FOLDS + 2) * N_FEATURES + CV_FOLDS + 1 + N_NETWORKS
_SEED = 42
# A width is at least this share of the median absolute residual.
_LEAST_WIDTH = 0.1
_LEAST_FLOOR = 1e-5
# Share of the tracks, the oldest ones, from which the newest are predicted to see how errors grow.
_PAST = 0.9
# With fewer newer tracks nothing can be said of drift.
_FEWEST_NEWER = 200


@dataclass(frozen=True, slots=True)
class Cases:
    """What a judge learns from; n tracks."""

    kind: str  #: `KNOWN` or `UNKNOWN`
    view: View
    targets: NDArray[np.float64]  #: [n, 9], normalized units
    weights: NDArray[np.float32]  #: [n]
    fold: NDArray[np.intp]  #: [n], cross-validation fold in 0..CV_FOLDS - 1
    calibrating: NDArray[np.bool_]  #: [n], tracks like those the judge will see

    @property
    def columns(self) -> NDArray[np.float32]:
        """Inputs of the trees, [n, c]."""
        return judge_columns(self.kind, self.view.described, self.view.guess, self.view.recalled)

    @property
    def offset(self) -> NDArray[np.float32]:
        """What the networks correct, [n, 9]."""
        return offset_of(self.kind, self.view.guess, self.view.recalled)


def train_judge(cases: Cases, on_trained: Callable[[], None]) -> JudgeParts:
    """Train from cases; `on_trained` is called after each of `MODELS` models."""
    columns = cases.columns
    correction = _Corrections(cases, columns)
    unseen = _out_of_fold_values(cases, columns, correction, on_trained)
    residuals = np.abs(unseen - cases.targets)
    floor = np.maximum(_LEAST_WIDTH * np.median(residuals[cases.calibrating], axis=0), _LEAST_FLOOR)
    inputs = width_columns(columns, unseen, cases.view.guess)
    factor = _calibrate(inputs, residuals, floor, cases, on_trained)
    drift = _measure_drift(cases, columns, correction, _Intervals(inputs, residuals, floor, factor), on_trained)
    everything = np.ones(len(columns), dtype=np.bool_)
    values = grow(columns, cases.targets, cases.weights, VALUES, on_trained)
    widths = grow(inputs, residuals, np.ones_like(cases.weights), WIDTHS, on_trained)
    return JudgeParts(
        values=export_trees([[booster] for booster in values], columns.shape[1]),
        widths=export_trees([[booster] for booster in widths], inputs.shape[1]),
        correction=correction.fit(everything, N_NETWORKS, on_trained),
        factor=factor.astype(np.float32),
        floor=floor.astype(np.float32),
        drift=drift,
    )


@dataclass(frozen=True, slots=True)
class _Intervals:
    """What is known of the widths before drift is looked at; n tracks."""

    inputs: NDArray[np.float32]  #: [n, c]
    residuals: NDArray[np.float64]  #: [n, 9], out of fold
    floor: NDArray[np.float64]  #: [9]
    factor: NDArray[np.float64]  #: [9]


class _Corrections:
    """Fits the networks of a judge on any part of its cases."""

    def __init__(self, cases: Cases, columns: NDArray[np.float32]) -> None:
        self._raw = network_columns(columns, cases.view.described)
        self._mean, self._deviation = moments(self._raw)
        self._offset = cases.offset
        errors = (cases.targets - self._offset).astype(np.float32)
        self._spread = unit(errors)
        self._inputs = NetworkInputs(
            groups=[],
            sizes=[],
            dense=standardized(self._raw, self._mean, self._deviation),
            targets=errors / self._spread,
            weights=cases.weights,
            importance=(self._spread * (N_FEATURES / self._spread.sum())).astype(np.float32),
        )

    def fit(self, seen: NDArray[np.bool_], n_networks: int, on_trained: Callable[[], None]) -> Correction:
        """Networks trained on the rows where `seen`, a mask [n], is true."""
        networks = []
        for at in range(n_networks):
            networks.append(fit_network(self._inputs, np.flatnonzero(seen), _SEED + at, JUDGE))
            on_trained()
        fitted = Correction(networks, self._mean, self._deviation, self._spread)
        # As it will be loaded: what follows must learn from the rounded numbers.
        return Correction.restore(fitted.arrays(""), "", n_networks)

    def apply(self, correction: Correction, rows: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Corrected values of the rows where the mask is true."""
        return correction.apply(self._raw[rows], self._offset[rows])


def _out_of_fold_values(
    cases: Cases, columns: NDArray[np.float32], corrections: _Corrections, on_trained: Callable[[], None]
) -> NDArray[np.float32]:
    """Values [n, 9] by trees and a network that had not seen the track."""
    values = np.empty((len(columns), N_FEATURES), dtype=np.float32)
    for fold in range(CV_FOLDS):
        seen = cases.fold != fold
        boosters = grow(columns[seen], cases.targets[seen], cases.weights[seen], COARSE_VALUES, on_trained)
        correction = corrections.fit(seen, 1, on_trained)
        values[~seen] = mixed(predict(boosters, columns[~seen]), corrections.apply(correction, ~seen))
    return values


def _calibrate(
    inputs: NDArray[np.float32],
    residuals: NDArray[np.float64],
    floor: NDArray[np.float64],
    cases: Cases,
    on_trained: Callable[[], None],
) -> NDArray[np.float64]:
    """The factor of each feature, [9]: the conformal quantile of residuals in units of widths."""
    ratios = np.empty_like(residuals)
    for fold in range(CV_FOLDS):
        seen = cases.fold != fold
        boosters = grow(inputs[seen], residuals[seen], np.ones_like(cases.weights[seen]), WIDTHS, on_trained)
        ratios[~seen] = residuals[~seen] / np.maximum(predict(boosters, inputs[~seen]), floor)
    return np.array([conformal_quantile(column) for column in ratios[cases.calibrating].T])


def _measure_drift(
    cases: Cases,
    columns: NDArray[np.float32],
    corrections: _Corrections,
    intervals: _Intervals,
    on_trained: Callable[[], None],
) -> Drift:
    """Predict the newest tracks from the older ones, and see how much wider their intervals would have to be.

    The first stage has seen the years of the newest tracks, if not their artists, so this errs on the low side.
    """
    years = cases.view.described.years
    dated = ~np.isnan(years)
    newest = np.asarray(years[dated].max(initial=-np.inf), dtype=np.float32)
    cut = np.quantile(years[dated], _PAST) if dated.any() else np.inf
    past, newer = years <= cut, (years > cut) & cases.calibrating
    if newer.sum() < _FEWEST_NEWER:
        for _ in range(2 * N_FEATURES + 1):
            on_trained()
        return Drift(newest, np.zeros(N_FEATURES, dtype=np.float32))
    boosters = grow(columns[past], cases.targets[past], cases.weights[past], COARSE_VALUES, on_trained)
    correction = corrections.fit(past, 1, on_trained)
    values = mixed(predict(boosters, columns[newer]), corrections.apply(correction, newer))
    ones = np.ones(int(past.sum()), dtype=np.float32)
    widths = grow(intervals.inputs[past], intervals.residuals[past], ones, WIDTHS, on_trained)
    own = np.maximum(predict(widths, intervals.inputs[newer]), intervals.floor)
    ratios = np.abs(values - cases.targets[newer]) / own
    needed = np.array([conformal_quantile(column) for column in ratios.T])
    gap = float((years[newer] - cut).mean())
    growth = np.maximum(needed / intervals.factor - 1, 0) / gap
    return Drift(newest, growth.astype(np.float32))
