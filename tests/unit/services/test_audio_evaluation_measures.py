"""The measures of the audio evaluation, by hand-made cases."""

import math

import numpy as np
import pytest

from core.audio import KeyName, Mode
from services.audio_evaluation.measures import (
    beat_f_measure,
    calibration,
    mean,
    mirex_score,
    share,
    tempo_right,
)

C, A_MINOR = KeyName(0, Mode.MAJOR), KeyName(9, Mode.MINOR)


@pytest.mark.parametrize(
    ("bpm", "first", "second"),
    [
        (120.0, True, True),
        (124.7, True, True),
        (125.0, False, False),
        (60.5, False, True),
        (360.0, False, True),
        (40.0, False, True),
        (180.0, False, False),
        (0.0, False, False),
    ],
)
def test_accuracies(bpm: float, first: bool, second: bool) -> None:
    assert tempo_right(bpm, [120.0], 0.04, octaves=False) is first
    assert tempo_right(bpm, [120.0], 0.04, octaves=True) is second


def test_no_tempo_is_wrong_and_either_of_two_is_right() -> None:
    assert not tempo_right(None, [120.0], 0.04, octaves=True)
    assert tempo_right(175.0, [87.5, 175.0], 0.002, octaves=False)
    assert not tempo_right(float("nan"), [120.0], 0.04, octaves=True)


@pytest.mark.parametrize(
    ("key", "truth", "score"),
    [
        (C, C, 1.0),
        (KeyName(7, Mode.MAJOR), C, 0.5),
        (KeyName(5, Mode.MAJOR), C, 0.0),
        (A_MINOR, C, 0.3),
        (C, A_MINOR, 0.3),
        (KeyName(0, Mode.MINOR), C, 0.2),
        (KeyName(9, Mode.MAJOR), A_MINOR, 0.2),
        (KeyName(4, Mode.MINOR), A_MINOR, 0.5),
        (KeyName(3, Mode.MINOR), C, 0.0),
        (None, C, 0.0),
    ],
)
def test_mirex_scores(key: KeyName | None, truth: KeyName, score: float) -> None:
    assert mirex_score(key, truth) == score


def test_beats_are_matched_once_within_70_ms() -> None:
    truth = np.arange(0.0, 30.0, 0.5)
    assert beat_f_measure(truth + 0.069, truth) == 1.0
    assert beat_f_measure(truth + 0.072, truth) == 0.0
    # Twice as many beats: all true ones are found, half of the found ones are true.
    assert beat_f_measure(np.arange(0.0, 30.0, 0.25), truth) == pytest.approx(2 / 3, abs=0.01)
    assert beat_f_measure([6.0, 6.01], [6.0]) == pytest.approx(2 / 3)
    assert beat_f_measure([], truth) == 0.0
    assert beat_f_measure([6.0], [1.0, 2.0]) == 0.0


def test_beats_before_five_seconds_do_not_count() -> None:
    assert beat_f_measure([0.3, 1.1, 6.0, 7.0], [0.0, 6.0, 7.0]) == 1.0


def test_wilson_intervals() -> None:
    figure = share([True] * 8 + [False] * 2)
    assert figure.value == 0.8
    # Of 8 in 10, as in any table of Wilson's intervals.
    assert (figure.low, figure.high) == (pytest.approx(0.490, abs=0.001), pytest.approx(0.943, abs=0.001))
    assert share([True] * 5).high == 1.0
    assert math.isnan(share([]).value)


def test_bootstrap_intervals_hold_the_mean() -> None:
    figure = mean([0.0, 0.3, 0.5, 1.0, 1.0, 1.0])
    assert figure.low < figure.value < figure.high
    assert figure == mean([0.0, 0.3, 0.5, 1.0, 1.0, 1.0])
    assert math.isnan(mean([]).value)


def test_calibration_of_an_honest_and_of_a_boastful_method() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0, 1, 4000)
    honest = calibration(confidence.tolist(), (rng.random(4000) < confidence).tolist())
    boastful = calibration([0.95] * 100, [True] * 50 + [False] * 50, [False] * 50 + [True] * 10 + [False] * 40)
    assert honest is not None
    assert boastful is not None
    assert honest.expected_error < 0.03
    assert honest.brier < honest.brier_of_constant
    assert boastful.expected_error == pytest.approx(0.45)
    assert boastful.brier > boastful.brier_of_constant == 0.25
    assert boastful.highest_wrong == boastful.highest_wrong_octave == 0.95
    assert boastful.wrong_above_90 == 1.0
    assert [b.n for b in boastful.bins] == [100]
    assert sum(b.n for b in honest.bins) == 4000


def test_calibration_knows_the_edges() -> None:
    assert calibration([], []) is None
    edges = calibration([0.0, 1.0], [True, True])
    assert edges is not None
    assert edges.highest_wrong is None
    assert edges.wrong_above_90 is None
    assert [(b.low, b.high) for b in edges.bins] == [(0.0, 0.1), (0.9, 1.0)]
