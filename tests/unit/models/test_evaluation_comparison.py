"""Wins, ties, duels, paired differences and the oracle, worked out by hand."""

import numpy as np
import pytest

from core.features import FEATURE_NAMES
from models.evaluation.comparison import (
    TIE_MARGIN,
    count_wins,
    differences_to,
    duels_with,
    errors_by_value,
    oracle,
)
from models.evaluation.scores import Answers

LIVENESS = FEATURE_NAMES.index("liveness")


def errors(*tracks: float) -> np.ndarray:
    """Normalized errors [n, 9], the same for every feature of a track."""
    return np.tile(np.array(tracks)[:, None], (1, 9))


def test_a_winner_is_clear_of_every_other_by_more_than_the_margin() -> None:
    near, far = 0.1 + 0.9 * TIE_MARGIN, 0.1 + 1.1 * TIE_MARGIN
    wins = count_wins({"a": errors(0.1, 0.1, 0.3), "b": errors(near, far, 0.2), "c": errors(0.5, 0.5, 0.5)})
    assert wins.tracks == {"a": 1, "b": 1, "c": 0}
    assert wins.tied_tracks == 1


def test_features_are_won_by_their_mean_error() -> None:
    first, second = errors(0.1, 0.1), errors(0.1, 0.1)
    first[:, 0] = [0.0, 0.1]
    second[:, LIVENESS] = 0.0
    wins = count_wins({"a": first, "b": second})
    assert wins.features == {"a": ["danceability"], "b": ["liveness"]}
    assert wins.tied_features == [name for name in FEATURE_NAMES if name not in ("danceability", "liveness")]
    # Liveness is not among the eight of a track's error: 0.1 / 8 in the first track decides.
    assert wins.tracks == {"a": 1, "b": 0}


def test_one_predictor_alone_wins_nothing() -> None:
    wins = count_wins({"a": errors(0.1, 0.2)})
    assert wins.tracks == {"a": 0}
    assert (wins.tied_tracks, len(wins.tied_features)) == (2, 9)


def test_differences_are_paired() -> None:
    found = differences_to("b", {"a": errors(0.1, 0.5, 0.3), "b": errors(0.2, 0.4, 0.3)})
    assert found.keys() == {"a"}
    assert found["a"].mean == pytest.approx(0.0)
    assert found["a"].standard_error == pytest.approx(0.1 / np.sqrt(3))


def test_a_duel_looks_at_two() -> None:
    duels = duels_with("b", {"a": errors(0.1, 0.5, 0.3), "b": errors(0.2, 0.4, 0.3), "c": errors(0.0, 0.0, 0.0)})
    assert duels.keys() == {"a", "c"}
    assert (duels["a"].tracks_won, duels["a"].tracks_tied, duels["a"].tracks_lost) == (1, 1, 1)
    assert (duels["a"].features_won, duels["a"].features_tied, duels["a"].features_lost) == (0, 9, 0)
    assert duels["c"].features_won == 9


def test_the_oracle_takes_the_best_of_every_value() -> None:
    first, second = errors(0.2, 0.2), errors(0.2, 0.2)
    first[0, 0] = second[0, 1] = 0.0
    second[:, LIVENESS] = 0.0
    best = oracle({"a": first, "b": second})
    assert best.mne == pytest.approx((0.2 * 6 / 8 + 0.2) / 2)
    assert best.standard_error == pytest.approx(0.05 / 2)


def test_errors_are_normalized_for_each_predictor() -> None:
    found = errors_by_value({"a": Answers(np.full((1, 9), 0.5)), "b": Answers(np.zeros((1, 9)))}, np.zeros((1, 9)))
    assert found["a"][0] == pytest.approx([0.5] * 7 + [0.5 / 250, 0.5 / 60])
    assert found["b"].sum() == 0
