"""Scores of one predictor against figures worked out by hand."""

import numpy as np
import pytest

from core.features import FEATURE_NAMES
from models.evaluation.errors import standard_error, track_errors
from models.evaluation.scores import Answers, score_answers
from models.predictors.protocol import Prediction

TEMPO, LOUDNESS = FEATURE_NAMES.index("tempo"), FEATURE_NAMES.index("loudness")


def test_errors_of_two_tracks() -> None:
    targets = np.zeros((2, 9))
    values = np.zeros((2, 9))
    values[0, 0], values[1, 0] = 0.4, 0.8
    values[1, TEMPO] = 50.0
    score = score_answers(Answers(values), targets)
    assert track_errors(values, targets) == pytest.approx([0.05, 0.125])
    assert score.mne == pytest.approx(0.0875)
    assert score.median == pytest.approx(0.0875)
    assert score.std == pytest.approx(0.075 / np.sqrt(2))
    assert score.standard_error == pytest.approx(0.075 / 2)
    assert score.error[0] == pytest.approx(0.6)
    assert score.error[TEMPO] == pytest.approx(0.1)
    assert score.mae[TEMPO] == pytest.approx(25.0)
    assert score.mse[TEMPO] == pytest.approx(1250.0)
    assert score.mse[0] == pytest.approx(0.4)
    assert score.intervals is None


def test_explained_variance_and_correlation() -> None:
    targets = np.zeros((4, 9))
    targets[:, 0] = [0.0, 0.2, 0.4, 0.6]
    targets[:, 1] = [0.0, 0.2, 0.4, 0.6]
    values = np.zeros((4, 9))
    values[:, 0] = [0.1, 0.3, 0.5, 0.7]
    values[:, 1] = [0.6, 0.4, 0.2, 0.0]
    score = score_answers(Answers(values), targets)
    # A variance of 0.05; squared errors of 0.01, and of 0.36, 0.04, 0.04, 0.36.
    assert score.r2[:2] == pytest.approx([0.8, -3.0])
    assert score.pearson[:2] == pytest.approx([1.0, -1.0])


def test_what_is_not_defined_is_not_a_number() -> None:
    constant = np.full((3, 9), 0.1)
    score = score_answers(Answers(constant), constant)
    assert np.isnan(score.r2).all()
    assert np.isnan(score.pearson).all()
    # The mean of equal numbers differs from them by rounding; that is no spread.
    tilted = np.tile(np.full(9, 121.37), (3, 1))
    varied = np.arange(27.0).reshape(3, 9)
    assert np.isnan(score_answers(Answers(tilted), varied).pearson).all()
    assert np.isnan(standard_error(np.array([0.1])))


def test_intervals_are_counted_and_measured() -> None:
    values, targets = np.zeros((4, 9), dtype=np.float32), np.zeros((4, 9))
    half_widths = np.full((4, 9), 0.25, dtype=np.float32)
    half_widths[:, TEMPO], half_widths[:, LOUDNESS] = 25.0, 6.0
    targets[0, 0] = 0.3
    prediction = Prediction(values, half_widths, np.zeros(4, dtype=np.float32))
    intervals = score_answers(Answers.of(prediction), targets).intervals
    assert intervals is not None
    assert intervals.coverage == [0.75] + [1.0] * 8
    assert intervals.coverage_error[0] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert intervals.mean_coverage == pytest.approx(8.75 / 9)
    assert intervals.width == pytest.approx([0.5] * 7 + [50.0, 12.0])
    assert intervals.mean_width == pytest.approx((7 * 0.5 + 0.2 + 0.2) / 9)


def test_answers_are_taken_with_their_intervals() -> None:
    values = np.arange(27.0).reshape(3, 9)
    chosen = np.array([True, False, True])
    assert Answers(values).take(chosen).half_widths is None
    taken = Answers(values, values + 1).take(chosen)
    assert taken.values.tolist() == values[[0, 2]].tolist()
    assert taken.half_widths is not None
    assert taken.half_widths.tolist() == (values + 1)[[0, 2]].tolist()
