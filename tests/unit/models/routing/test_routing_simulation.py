"""The error model that stands in for recorded answers."""

from dataclasses import replace

import numpy as np
import pytest

from core.features import FEATURE_NAMES, FEATURES, N_FEATURES
from models.evaluation.errors import normalized_errors
from models.routing.genre_groups import GROUPS
from models.routing.simulation import Chance, Constants, simulate
from models.routing.simulation_fit import Fit, Ground, study_genres, target_group_ratios, target_ratios, wins

N = 4_000
CONSTANTS = Constants(
    found=(0.0,) * N_FEATURES,
    near=(0.02,) * N_FEATURES,
    far=(0.3,) * N_FEATURES,
    typical=(0.5,) * 7 + (120.0, -10.0),
    of_group=tuple(1.0 if group == "pop" else -1.0 if group == "latin" else 0.0 for group in GROUPS),
    of_popularity=0.5,
    confused=0.0,
)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 1, (N, 7))
    return np.column_stack([shares, rng.uniform(70, 180, N), rng.uniform(-20, 0, N)])


def errors(
    truth: np.ndarray, group: str = "rock", popularity: int | None = None, constants: Constants = CONSTANTS
) -> np.ndarray:
    looked_up = simulate(truth, np.full(len(truth), group), [popularity] * len(truth), constants)
    return normalized_errors(looked_up, truth)


def test_the_same_tracks_get_the_same_answers_in_range(truth: np.ndarray) -> None:
    groups, popularity = np.full(N, "rock"), [60] * N
    once, again = (simulate(truth, groups, popularity, CONSTANTS) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    other = simulate(truth, groups, popularity, CONSTANTS, Chance.draw(N, seed=7))
    assert (other != once).mean() > 0.9
    for feature, column in zip(FEATURES, once.T, strict=True):
        assert column.min() >= feature.low
        assert column.max() <= feature.high


def test_strong_genres_and_popular_tracks_are_found_more_often(truth: np.ndarray) -> None:
    pop, rock, latin = (errors(truth, group).mean() for group in ("pop", "rock", "latin"))
    assert pop < rock < latin
    assert errors(truth, popularity=95).mean() < errors(truth, popularity=65).mean() < errors(truth).mean() + 0.01
    # Unknown popularity changes nothing.
    np.testing.assert_array_equal(errors(truth, popularity=65), errors(truth))


def test_errors_of_one_track_go_together(truth: np.ndarray) -> None:
    own = errors(truth)
    together = np.corrcoef(own[:, :7].T)
    assert together[np.triu_indices(7, 1)].mean() > 0.05


def test_a_confused_track_is_wrong_everywhere(truth: np.ndarray) -> None:
    own = errors(truth, constants=replace(CONSTANTS, confused=1.0))
    assert (own[:, :7] >= 0.49).all()


def test_some_wrong_tempos_are_of_the_wrong_octave(truth: np.ndarray) -> None:
    never_found = replace(CONSTANTS, found=(9.0,) * N_FEATURES)
    tempo = FEATURE_NAMES.index("tempo")
    looked_up = simulate(truth, np.full(N, "rock"), [None] * N, never_found)
    ratio = looked_up[:, tempo] / truth[:, tempo]
    octave = (np.abs(ratio - 2) < 0.02) | (np.abs(ratio - 0.5) < 0.02)
    assert 0.2 < octave.mean() < 0.45


def test_the_fit_meets_ratios_and_wins_it_can_meet(truth: np.ndarray) -> None:
    """On made-up predictors whose errors are spread like real ones."""
    rng = np.random.default_rng(1)
    m1, m2 = (np.abs(rng.laplace(0, 0.12, truth.shape)) for _ in range(2))
    ground = Ground(truth, m1, m2, rng.integers(50, 90, N).tolist())
    fitted = Fit(ground).run()
    own = normalized_errors(simulate(truth, study_genres(N), ground.popularity, fitted, Chance.draw(N, seed=43)), truth)
    energy = FEATURE_NAMES.index("energy")
    assert own[:, energy].mean() / m1[:, energy].mean() == pytest.approx(target_ratios()[energy], rel=0.05)
    assert wins(own, ground)[energy] == pytest.approx(0.43, abs=0.02)
    of_group = dict(zip(GROUPS, fitted.of_group, strict=True))
    assert of_group["pop"] > of_group["hip-hop"] > of_group["latin"]


def test_the_study_deals_its_own_genres() -> None:
    groups = study_genres(1_000)
    assert len(groups) == 1_000
    assert (groups == "pop").mean() == pytest.approx(0.25, abs=0.01)
    assert target_group_ratios()["latin"] > 1.5 > target_group_ratios()["pop"]
