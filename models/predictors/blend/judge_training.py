"""Training of a judge: trees for the values, trees for the widths of intervals, and the calibration of those.

Widths follow conformalized quantile regression on absolute residuals (Romano, Patterson & Candès, 2019; Johansson et
al., 2014): trees learn the 80 % quantile of how far off the values were for tracks they had not seen; then one factor
per feature makes widths, for tracks that neither had seen, hold four fifths of the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.predictors.blend.boosting import Growth, grow, predict
from models.predictors.blend.columns import width_columns
from models.predictors.blend.first_stage import FirstGuess
from models.predictors.blend.runtime import Judge
from models.predictors.intervals import conformal_quantile
from models.predictors.protocol import INTERVAL_COVERAGE
from models.tree_export import export_trees

VALUES = Growth("l1", trees=350, leaves=63, learning_rate=0.05, min_leaf=40)
# For residuals of unseen tracks: a third of the time, and nearly as good.
COARSE_VALUES = Growth("l1", trees=120, leaves=63, learning_rate=0.1, min_leaf=40)
WIDTHS = Growth("quantile", trees=80, leaves=15, learning_rate=0.1, min_leaf=100, quantile=INTERVAL_COVERAGE)

CV_FOLDS = 3
#: Models grown for one judge, each for nine features.
GROWTHS = 2 * (CV_FOLDS + 1)
# A width is at least this share of the median absolute residual.
_LEAST_WIDTH = 0.1


@dataclass(frozen=True, slots=True)
class Cases:
    """What a judge learns from; n tracks."""

    columns: NDArray[np.float32]  #: [n, c]
    guess: FirstGuess
    targets: NDArray[np.float64]  #: [n, 9], normalized units
    weights: NDArray[np.float32]  #: [n]
    fold: NDArray[np.intp]  #: [n], cross-validation fold in 0..CV_FOLDS - 1
    calibrating: NDArray[np.bool_]  #: [n], tracks like those the judge will see


def train_judge(cases: Cases, on_grown: Callable[[], None]) -> Judge:
    """Train from cases; `on_grown` is called after each of `9 * GROWTHS` models."""
    unseen = _out_of_fold_values(cases, on_grown)
    residuals = np.abs(unseen - cases.targets)
    floor = _LEAST_WIDTH * np.median(residuals[cases.calibrating], axis=0)
    inputs = width_columns(cases.columns, unseen.astype(np.float32), cases.guess)
    factor = _calibrate(inputs, residuals, floor, cases, on_grown)
    values = grow(cases.columns, cases.targets, cases.weights, VALUES, on_grown)
    widths = grow(inputs, residuals, np.ones_like(cases.weights), WIDTHS, on_grown)
    return Judge(
        values=export_trees([[booster] for booster in values], cases.columns.shape[1]),
        widths=export_trees([[booster] for booster in widths], inputs.shape[1]),
        factor=factor.astype(np.float32),
        floor=floor.astype(np.float32),
    )


def _out_of_fold_values(cases: Cases, on_grown: Callable[[], None]) -> NDArray[np.float64]:
    """Values [n, 9] by trees that had not seen the track."""
    values = np.empty_like(cases.targets)
    for fold in range(CV_FOLDS):
        seen = cases.fold != fold
        boosters = grow(cases.columns[seen], cases.targets[seen], cases.weights[seen], COARSE_VALUES, on_grown)
        values[~seen] = predict(boosters, cases.columns[~seen])
    return values


def _calibrate(
    inputs: NDArray[np.float32],
    residuals: NDArray[np.float64],
    floor: NDArray[np.float64],
    cases: Cases,
    on_grown: Callable[[], None],
) -> NDArray[np.float64]:
    """The factor of each feature, [9]: the conformal quantile of residuals in units of widths."""
    ratios = np.empty_like(residuals)
    for fold in range(CV_FOLDS):
        seen = cases.fold != fold
        boosters = grow(inputs[seen], residuals[seen], np.ones_like(cases.weights[seen]), WIDTHS, on_grown)
        ratios[~seen] = residuals[~seen] / np.maximum(predict(boosters, inputs[~seen]), floor)
    return np.array([conformal_quantile(column) for column in ratios[cases.calibrating].T])
