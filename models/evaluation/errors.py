"""Normalized errors: absolute errors divided by the scale of the feature (tempo 250, loudness 60, others 1).

The mean normalized error (MNE) averages them over tracks and over eight features: the benchmark leaves liveness out.
"""

import numpy as np
from numpy.typing import NDArray

from core.features import BENCHMARK_NAMES, FEATURE_NAMES, FEATURES
from models.predictors.protocol import Prediction

SCALES = np.array([feature.scale for feature in FEATURES])
IN_BENCHMARK = np.array([name in BENCHMARK_NAMES for name in FEATURE_NAMES])


def normalized_errors(values: NDArray[np.floating], targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Absolute errors of [n, 9] values, or of one [9] value for all, divided by the scale of each feature, [n, 9]."""
    return np.asarray(np.abs(values - targets) / SCALES, dtype=np.float64)


def track_errors(values: NDArray[np.floating], targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean normalized error of each track over the benchmark's eight features, [n]."""
    return np.asarray(normalized_errors(values, targets)[:, IN_BENCHMARK].mean(axis=1), dtype=np.float64)


def mne_eight(values: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Mean normalized error over the benchmark's eight features; arguments as for `normalized_errors`."""
    return float(normalized_errors(values, targets)[:, IN_BENCHMARK].mean())


def interval_coverage(prediction: Prediction, targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of true values inside the predicted interval, by feature, [9]."""
    inside = np.abs(prediction.values - targets) <= prediction.uncertainty
    return np.asarray(inside.mean(axis=0), dtype=np.float64)


def standard_error(per_track: NDArray[np.floating]) -> float:
    """Standard error of the mean of [n] figures, one a track; NaN for fewer than two."""
    return float(per_track.std(ddof=1) / np.sqrt(per_track.size)) if per_track.size > 1 else float("nan")
