"""A version may serve only if it is not worse than the one that does."""

import pytest

from core.model_states import ModelState
from models.evaluation import BENCHMARK_POPULARITY, Evaluation, Score
from services.promotion_gate import gate_error, judge


def score(fold: str, min_popularity: int | None, mne_eight: float) -> Score:
    nine = [mne_eight] * 9
    return Score(
        fold=fold,
        min_popularity=min_popularity,
        rows=10,
        error=nine,
        mne_eight=mne_eight,
        mne_nine=mne_eight,
        coverage=nine,
        mean_coverage=0.8,
        yardstick_eight=0.2,
    )


def evaluation(*scores: Score) -> Evaluation:
    return Evaluation("m1", "1", list(scores), 1.0)


def test_popular_tracks_decide_where_there_are_any() -> None:
    popular = [score("random-holdout", BENCHMARK_POPULARITY, 0.1), score("random-holdout", None, 0.9)]
    assert gate_error(evaluation(*popular)) == 0.1
    assert gate_error(evaluation(*reversed(popular))) == 0.1
    assert gate_error(evaluation(*popular, score("artist-holdout", None, 0.3))) == pytest.approx(0.2)
    assert gate_error(evaluation()) is None


@pytest.mark.parametrize(
    ("error", "incumbent_error", "tolerance", "state"),
    [
        (0.10, 0.11, 0.0, ModelState.PROMOTED),
        (0.11, 0.11, 0.0, ModelState.PROMOTED),
        (0.11 + 1e-9, 0.11, 0.0, ModelState.PROMOTED),
        (0.1101, 0.11, 0.0, ModelState.REJECTED),
        (0.1101, 0.11, 0.001, ModelState.PROMOTED),
        (0.12, 0.11, 0.001, ModelState.REJECTED),
    ],
)
def test_not_worse_means_within_the_tolerance(
    error: float, incumbent_error: float, tolerance: float, state: ModelState
) -> None:
    verdict = judge(error, "1-old", incumbent_error, tolerance)
    assert verdict.state is state
    assert "1-old" in verdict.reason
    assert f"{incumbent_error:.4f}" in verdict.reason


def test_what_cannot_be_compared_waits_for_a_person() -> None:
    assert judge(None, "1-old", 0.1, 0.0).state is ModelState.CANDIDATE
    assert judge(0.1, "1-old", None, 0.0).state is ModelState.CANDIDATE


def test_the_first_version_serves() -> None:
    assert judge(0.5, None, None, 0.0).state is ModelState.PROMOTED
