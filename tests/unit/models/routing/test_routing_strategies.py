"""The strategies of the study: every rule where it should hold, in its order, and nothing where nothing is known."""

import numpy as np
import pytest

from core.errors import PermanentError
from core.features import BENCHMARK_NAMES, FEATURE_NAMES, FEATURES
from models.routing.divergence import divergence, track_divergence
from models.routing.genre_groups import GROUPS, OTHER, UNKNOWN, genre_group
from models.routing.mixing import NOT_LOOKED_UP
from models.routing.protocol import Pair, Routed
from models.routing.strategies import STRATEGIES, find_strategy, oracle

SCALES = np.array([feature.scale for feature in FEATURES], dtype=np.float32)
ENERGY, TEMPO, LOUDNESS = (FEATURE_NAMES.index(name) for name in ("energy", "tempo", "loudness"))
BASE = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 120, -30], dtype=np.float32)


def pair(apart: float, genres: list[str] | None = None, popularity: int | None = None) -> Pair:
    """One track whose two estimates differ by so much, normalized, in every feature."""
    base = BASE[None]
    uncertainty = 0.1 * SCALES[None]
    return Pair(base, uncertainty, base + np.float32(apart) * SCALES, 2 * uncertainty, [genres or []], [popularity])


def rule_of(routed: Routed, feature: int = ENERGY) -> str:
    return routed.rules[routed.rule[0, feature]]


@pytest.mark.parametrize(
    ("apart", "genres", "popularity", "feature", "rule", "weight"),
    [
        (0.17, ["pop"], 90, TEMPO, "base-high-divergence", 0.0),
        (0.15, ["pop"], 90, TEMPO, "other-by-genre", 1.0),
        (0.15, ["folk"], None, ENERGY, "other-by-genre", 1.0),
        (0.15, ["trap"], 90, TEMPO, "other-by-feature", 1.0),
        (0.04, ["trap"], 90, ENERGY, "average", 0.5),
        (0.09, ["trap"], 90, ENERGY, "sixty-forty", 0.4),
        (0.15, ["trap"], 80, ENERGY, "sixty-forty-popular", 0.4),
        (0.15, ["trap"], 79, ENERGY, "base", 0.0),
        (0.15, ["trap"], None, ENERGY, "base", 0.0),
        (0.15, [], None, ENERGY, "base", 0.0),
    ],
)
def test_the_seven_rules_hold_in_order(
    apart: float, genres: list[str], popularity: int | None, feature: int, rule: str, weight: float
) -> None:
    routed = STRATEGIES["divergence"](pair(apart, genres, popularity))
    assert rule_of(routed, feature) == rule
    assert routed.weight[0, feature] == np.float32(weight)


@pytest.mark.parametrize(
    ("name", "genres", "from_other"),
    [
        ("base", ["pop"], set()),
        ("qlty", [], set(FEATURE_NAMES)),
        ("feature", ["pop"], {"tempo", "acousticness"}),
        ("genre", ["afrobeats"], set(FEATURE_NAMES)),
        ("genre", ["folk"], set()),
        ("extended-genre", ["folk"], set(FEATURE_NAMES)),
        ("hybrid", ["rock"], set(FEATURE_NAMES)),
        ("hybrid", ["trap"], {"tempo", "acousticness"}),
    ],
)
def test_choosing_strategies_take_whole_values(name: str, genres: list[str], from_other: set[str]) -> None:
    looked_up = pair(0.12, genres)
    routed = STRATEGIES[name](looked_up)
    chosen = np.isin(FEATURE_NAMES, list(from_other))
    np.testing.assert_array_equal(routed.values[0], np.where(chosen, looked_up.other[0], looked_up.base[0]))
    np.testing.assert_allclose(routed.uncertainty[0], np.where(chosen, 0.2, 0.1) * SCALES, rtol=1e-6)


def test_averages_lie_between_both_estimates() -> None:
    near, far = pair(0.1), pair(0.2)
    sixty_forty = STRATEGIES["weighted-average"](near)
    np.testing.assert_allclose(sixty_forty.values, near.base + 0.04 * SCALES, rtol=1e-5)
    np.testing.assert_allclose(sixty_forty.uncertainty[0], 0.14 * SCALES, rtol=1e-6)
    np.testing.assert_allclose(STRATEGIES["divergence-average"](near).values, near.base + 0.05 * SCALES, rtol=1e-5)
    np.testing.assert_array_equal(STRATEGIES["divergence-average"](far).values, far.base)


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_was_not_looked_up_stays_the_base(name: str) -> None:
    looked_up = pair(0.01, ["pop"], 90)
    looked_up.other[0, TEMPO] = looked_up.other_uncertainty[0, TEMPO] = np.nan
    routed = STRATEGIES[name](looked_up)
    assert rule_of(routed, TEMPO) == NOT_LOOKED_UP
    assert routed.weight[0, TEMPO] == 0
    assert routed.values[0, TEMPO] == looked_up.base[0, TEMPO]
    assert routed.uncertainty[0, TEMPO] == looked_up.base_uncertainty[0, TEMPO]
    assert np.isfinite(routed.values).all()


def test_an_answer_without_intervals_is_no_surer_than_its_distance() -> None:
    looked_up = pair(0.3)
    looked_up.other_uncertainty[:] = np.nan
    routed = STRATEGIES["qlty"](looked_up)
    np.testing.assert_allclose(routed.uncertainty[0], 0.3 * SCALES, rtol=1e-5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_tracks_give_no_rows(name: str) -> None:
    empty = pair(0.1).take(np.array([], dtype=np.intp))
    routed = STRATEGIES[name](empty)
    assert routed.values.shape == routed.weight.shape == routed.rule.shape == routed.uncertainty.shape == (0, 9)


def test_the_oracle_takes_the_nearer_one() -> None:
    looked_up = pair(0.1)
    truth = looked_up.base + np.where(np.arange(9) < 4, 0.06, 0.04).astype(np.float32) * SCALES
    np.testing.assert_array_equal(oracle(looked_up, truth).weight[0], np.arange(9) < 4)


def test_divergence_is_normalized_and_leaves_liveness_out_of_the_track() -> None:
    looked_up = pair(0.1)
    looked_up.other[0, FEATURE_NAMES.index("liveness")] = 1.0
    looked_up.other[0, LOUDNESS] = np.nan
    own = divergence(looked_up)[0]
    assert own[TEMPO] == pytest.approx(0.1, abs=1e-6)
    assert np.isnan(own[LOUDNESS])
    assert track_divergence(looked_up)[0] == pytest.approx(0.1, abs=1e-6)
    assert len(BENCHMARK_NAMES) == 8
    looked_up.other[:] = np.nan
    assert np.isnan(track_divergence(looked_up)[0])


@pytest.mark.parametrize(
    ("tags", "group"),
    [
        (["dance pop", "pop"], "pop"),
        (["k-pop"], "k-pop"),
        (["punk", "rock"], "punk"),
        (["rock", "punk"], "rock"),
        (["mpb", "samba"], "brazilian"),
        (["reggaeton"], "latin"),
        (["Trap", "southern hip hop"], "hip-hop"),
        (["video game music"], "gaming"),
        (["no such thing"], OTHER),
        ([], UNKNOWN),
    ],
)
def test_tags_find_the_groups_of_the_study(tags: list[str], group: str) -> None:
    assert genre_group(tags) == group
    assert group in GROUPS


def test_an_unknown_strategy_is_named_with_the_known_ones() -> None:
    with pytest.raises(PermanentError, match=r"no routing strategy 'magic'.*divergence") as caught:
        find_strategy("magic")
    assert caught.value.code == "invalid-option"
