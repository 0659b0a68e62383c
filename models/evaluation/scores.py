"""All figures of one predictor on one set of tracks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.errors import SCALES, normalized_errors, standard_error, track_errors
from models.predictors.protocol import Prediction


@dataclass(frozen=True, slots=True)
class Answers:
    """What a predictor or a baseline says of n tracks."""

    values: NDArray[np.floating]  #: [n, 9], in each feature's unit
    half_widths: NDArray[np.floating] | None = None  #: [n, 9], of the 80 % intervals; a baseline has none

    @classmethod
    def of(cls, prediction: Prediction) -> "Answers":
        """The answers of a predictor."""
        return cls(prediction.values, prediction.uncertainty)

    def take(self, chosen: NDArray[np.bool_]) -> "Answers":
        """The answers for the tracks where `chosen`, a mask of length n, is true."""
        return Answers(self.values[chosen], None if self.half_widths is None else self.half_widths[chosen])


@dataclass(frozen=True, slots=True)
class Intervals:
    """How the 80 % intervals do; lists of nine follow `FEATURE_NAMES`."""

    coverage: list[float]  #: Share of true values inside
    coverage_error: list[float]  #: Standard error of that share
    width: list[float]  #: Mean full width, in each feature's unit
    mean_coverage: float
    mean_width: float  #: Mean full width over the nine, each divided by its feature's scale


@dataclass(frozen=True, slots=True)
class PredictorScore:
    """Errors and intervals; lists of nine follow `FEATURE_NAMES`. NaN where a figure is not defined."""

    mne: float  #: Mean normalized error over the benchmark's eight features
    standard_error: float  #: Of `mne`, over tracks
    median: float  #: Of the mean error of each track
    std: float  #: Likewise
    error: list[float]  #: Mean normalized error of each feature
    mae: list[float]  #: Mean absolute error, in the feature's unit
    mse: list[float]  #: Mean squared error, in the square of the unit
    r2: list[float]  #: Coefficient of determination; not defined where the truth is constant
    pearson: list[float]  #: Correlation; not defined where truth or prediction is constant
    intervals: Intervals | None


def score_answers(answers: Answers, targets: NDArray[np.floating]) -> PredictorScore:
    """Score answers for n tracks against their true features [n, 9]."""
    values, truth = answers.values.astype(np.float64), targets.astype(np.float64)
    error = normalized_errors(values, truth).mean(axis=0)
    per_track = track_errors(values, truth)
    mse = ((values - truth) ** 2).mean(axis=0)
    return PredictorScore(
        mne=float(per_track.mean()),
        standard_error=standard_error(per_track),
        median=float(np.median(per_track)),
        std=float(per_track.std(ddof=1)) if per_track.size > 1 else float("nan"),
        error=error.tolist(),
        mae=(error * SCALES).tolist(),
        mse=mse.tolist(),
        r2=(1 - _divided(mse, truth.var(axis=0), _varied(truth))).tolist(),
        pearson=_correlation(values, truth).tolist(),
        intervals=None if answers.half_widths is None else _score_intervals(answers, truth),
    )


def _score_intervals(answers: Answers, truth: NDArray[np.float64]) -> Intervals:
    assert answers.half_widths is not None
    coverage = (np.abs(answers.values - truth) <= answers.half_widths).mean(axis=0)
    width = 2 * answers.half_widths.astype(np.float64).mean(axis=0)
    return Intervals(
        coverage=coverage.tolist(),
        coverage_error=np.sqrt(coverage * (1 - coverage) / len(truth)).tolist(),
        width=width.tolist(),
        mean_coverage=float(coverage.mean()),
        mean_width=float((width / SCALES).mean()),
    )


def _correlation(values: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation by feature, [9]."""
    a, b = values - values.mean(axis=0), truth - truth.mean(axis=0)
    norms = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return _divided((a * b).sum(axis=0), norms, _varied(values) & _varied(truth))


def _varied(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns of [n, 9] hold different numbers; a variance may miss it by rounding."""
    return np.asarray(np.ptp(numbers, axis=0) > 0)


def _divided(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64], defined: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Ratios [9], NaN where they are not defined."""
    ratios = np.full(len(defined), np.nan)
    np.divide(numerator, denominator, out=ratios, where=defined)
    return ratios
