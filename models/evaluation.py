"""How good a predictor is: mean normalized error (MNE) and interval coverage on holdouts with known features.

The normalized error of a value is its absolute error divided by the scale of the feature (tempo 250, loudness 60,
others 1). The benchmark leaves liveness out and, like the platform's, looks at tracks of popularity 50 and above.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.features import BENCHMARK_NAMES, FEATURE_NAMES, FEATURES
from core.tracks import TrackBatch
from models.predictors.protocol import FeaturePredictor, Prediction
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable

BENCHMARK_POPULARITY = 50
#: Enrichment hands tracks to a predictor in chunks of this size; speed is measured likewise.
CHUNK_SIZE = 500

_SCALES = np.array([feature.scale for feature in FEATURES])
_IN_BENCHMARK = np.array([name in BENCHMARK_NAMES for name in FEATURE_NAMES])


@dataclass(frozen=True, slots=True)
class Score:
    """Errors and coverage on one set of tracks; sequences of nine follow `FEATURE_NAMES`."""

    fold: str
    min_popularity: int | None  #: Only tracks of at least this popularity; None: all
    rows: int
    error: list[float]  #: MNE of each feature
    mne_eight: float  #: Mean over the benchmark's eight features
    mne_nine: float
    coverage: list[float]  #: Share of true values inside the 80 % interval, by feature
    mean_coverage: float
    yardstick_eight: float  #: MNE of the eight when the mean of the training data is the answer for every track


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All scores of one predictor."""

    predictor: str
    version: str
    scores: list[Score]
    tracks_per_second: float  #: One process, chunks of `CHUNK_SIZE`

    def as_dict(self) -> dict[str, Any]:
        """JSON values; per-feature figures are keyed by feature name."""
        return asdict(self) | {"scores": [_score_dict(score) for score in self.scores]}


def evaluate(predictor: FeaturePredictor, table: ReferenceTable) -> Evaluation:
    """Score a predictor on the holdout folds that the table has, with all tracks and with the popular ones alone."""
    # Speed first, while nothing of the table is in the predictor's caches.
    tracks_per_second = measure_speed(predictor, table.tracks)
    mean = table.targets[table.fold == TRAIN_FOLD].mean(axis=0)
    scores = []
    for fold in HOLDOUT_FOLDS:
        rows = table.in_fold(fold)
        for minimum in (BENCHMARK_POPULARITY, None):
            chosen = rows if minimum is None else rows.popular(minimum)
            if len(chosen):
                scores.append(_score(predictor.predict(chosen.tracks), chosen, mean, fold, minimum))
    return Evaluation(predictor.name, predictor.version, scores, tracks_per_second)


def normalized_errors(values: NDArray[np.floating], targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Absolute errors of [n, 9] values, or of one [9] value for all, divided by the scale of each feature, [n, 9]."""
    return np.asarray(np.abs(values - targets) / _SCALES, dtype=np.float64)


def mne_eight(values: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Mean normalized error over the benchmark's eight features; arguments as for `normalized_errors`."""
    return float(normalized_errors(values, targets)[:, _IN_BENCHMARK].mean())


def interval_coverage(prediction: Prediction, targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of true values inside the predicted interval, by feature, [9]."""
    inside = np.abs(prediction.values - targets) <= prediction.uncertainty
    return np.asarray(inside.mean(axis=0), dtype=np.float64)


def measure_speed(predictor: FeaturePredictor, tracks: TrackBatch) -> float:
    """Tracks per second over one pass of up to 20,000 tracks from all over a table, in chunks of `CHUNK_SIZE`."""
    rows = np.linspace(0, len(tracks) - 1, num=min(len(tracks), 20_000)).astype(int).tolist()
    chunks = list(tracks.take(rows).chunks(CHUNK_SIZE))
    started = time.perf_counter()
    for chunk in chunks:
        predictor.predict(chunk)
    return len(rows) / (time.perf_counter() - started)


def _score(
    prediction: Prediction, table: ReferenceTable, mean: NDArray[np.float32], fold: str, minimum: int | None
) -> Score:
    error = normalized_errors(prediction.values, table.targets).mean(axis=0)
    coverage = interval_coverage(prediction, table.targets)
    return Score(
        fold=fold,
        min_popularity=minimum,
        rows=len(table),
        error=error.tolist(),
        mne_eight=mne_eight(prediction.values, table.targets),
        mne_nine=float(error.mean()),
        coverage=coverage.tolist(),
        mean_coverage=float(coverage.mean()),
        yardstick_eight=mne_eight(mean, table.targets),
    )


def _score_dict(score: Score) -> dict[str, Any]:
    by_feature = {
        "error": dict(zip(FEATURE_NAMES, score.error, strict=True)),
        "coverage": dict(zip(FEATURE_NAMES, score.coverage, strict=True)),
    }
    return asdict(score) | by_feature
