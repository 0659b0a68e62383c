"""Which of several references is taken, and when none is."""

import numpy as np

from core.features import FEATURES
from models.matching.choice import Candidate, choose_exact, choose_near


def candidate(
    number: int, *, title: str = "song", score: float = 1.0, difference_ms: int | None = 0, level: float = 0.5
):
    values = np.array([f.low + level * (f.high - f.low) for f in FEATURES], np.float32)
    return Candidate(number, ("artist", title), score, difference_ms, values)


def taken(choice) -> int | None:
    return None if choice is None else choice.best.reference_id


def test_the_nearest_duration_wins_among_releases_of_one_recording() -> None:
    assert taken(choose_exact([candidate(1, difference_ms=900), candidate(2, difference_ms=100)])) == 2


def test_other_recordings_of_about_the_same_length_leave_it_open() -> None:
    assert choose_exact([candidate(1, difference_ms=100), candidate(2, difference_ms=400, level=0.8)]) is None


def test_an_equal_duration_beats_one_that_only_agrees() -> None:
    assert taken(choose_exact([candidate(1, difference_ms=0), candidate(2, difference_ms=2_500, level=0.8)])) == 1


def test_without_durations_all_must_be_one_recording() -> None:
    assert taken(choose_exact([candidate(1, difference_ms=None), candidate(2, difference_ms=None)])) == 1
    assert choose_exact([candidate(1, difference_ms=None), candidate(2, difference_ms=None, level=0.8)]) is None


def test_a_near_miss_must_be_ahead_of_every_other_recording() -> None:
    best, close = candidate(1, score=0.8), candidate(2, title="sons", score=0.75, level=0.8)
    assert choose_near([best, close]) is None
    choice = choose_near([best, candidate(3, title="sons", score=0.6, level=0.8)])
    assert taken(choice) == 1
    assert choice is not None
    assert choice.margin == np.float64(0.8) - 0.6


def test_a_runner_up_with_the_same_features_does_not_count() -> None:
    choice = choose_near([candidate(1, score=0.8), candidate(2, title="sons", score=0.79)])
    assert taken(choice) == 1
