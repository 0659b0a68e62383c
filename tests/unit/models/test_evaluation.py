"""Errors and coverage against figures worked out by hand."""

import numpy as np
import pytest

from core.features import FEATURE_NAMES
from models.evaluation import evaluate, interval_coverage, mne_eight, normalized_errors
from models.predictors.protocol import Prediction, TrainedPredictor
from models.training_data import ReferenceTable


def test_errors_are_divided_by_the_scale_of_each_feature() -> None:
    targets = np.zeros((2, 9), dtype=np.float32)
    values = np.tile(np.array([0.1] * 7 + [25.0, -6.0], dtype=np.float32), (2, 1))
    assert normalized_errors(values, targets) == pytest.approx(np.full((2, 9), 0.1))


def test_liveness_is_not_among_the_eight() -> None:
    values = np.zeros((1, 9), dtype=np.float32)
    values[0, FEATURE_NAMES.index("liveness")] = 1.0
    assert mne_eight(values, np.zeros((1, 9))) == 0.0
    values[0, FEATURE_NAMES.index("energy")] = 0.8
    assert mne_eight(values, np.zeros((1, 9))) == pytest.approx(0.1)


def test_coverage_counts_values_inside_the_interval_by_feature() -> None:
    values = np.zeros((4, 9), dtype=np.float32)
    prediction = Prediction(values, np.full((4, 9), 0.25, dtype=np.float32), np.zeros(4, dtype=np.float32))
    targets = np.zeros((4, 9), dtype=np.float32)
    targets[0, 0] = 0.3
    targets[1, 0] = -0.25
    assert interval_coverage(prediction, targets).tolist() == [0.75] + [1.0] * 8


def test_an_evaluation_scores_every_holdout_twice(
    reference_table: ReferenceTable, trained_m1: TrainedPredictor
) -> None:
    evaluation = evaluate(trained_m1.predictor, reference_table)
    sets = [(score.fold, score.min_popularity) for score in evaluation.scores]
    assert sets == [(fold, minimum) for fold in ("random-holdout", "artist-holdout") for minimum in (50, None)]
    assert [score.rows for score in evaluation.scores if score.min_popularity is None] == [50, 50]
    assert all(score.mne_eight < score.yardstick_eight for score in evaluation.scores)
    assert evaluation.as_dict()["scores"][0]["error"].keys() == set(FEATURE_NAMES)
    assert evaluation.tracks_per_second > 0
