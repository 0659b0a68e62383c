"""One predictor on the holdout folds of a table: errors, coverage and speed, as its model card tells them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES
from models.evaluation.cost import measure_speed
from models.evaluation.errors import interval_coverage, mne_eight, normalized_errors
from models.predictors.protocol import FeaturePredictor, Prediction
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable

BENCHMARK_POPULARITY = 50


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
    tracks_per_second: float  #: One process, chunks of `cost.CHUNK_SIZE`

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
