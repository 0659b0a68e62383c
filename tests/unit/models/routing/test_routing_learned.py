"""The learned router on made-up tracks: one group whose look-ups are right, one whose look-ups are wrong."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from models.artifacts import Card, publish_artifact, write_arrays
from models.evaluation.errors import SCALES, track_errors
from models.routing.genre_groups import GROUPS, genre_groups
from models.routing.learned import NAME, NUMBERS_FILE, TREES_FILE, LearnedRouter, RouterModel
from models.routing.learned_training import _trust, cross_fit, fit_router
from models.routing.mixing import NOT_LOOKED_UP
from models.routing.protocol import Pair
from models.routing.router_inputs import RouterInputs
from models.routing.strategies import find_strategy

N = 900
CARD = Card(
    name=NAME,
    version="1",
    created="2026-01-01",
    summary="",
    data={},
    rows=N,
    features=(),
    metrics={},
    parameters={},
    libraries={},
)


@pytest.fixture(scope="module")
def made_up() -> tuple[Pair, np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.2, 0.8, (N, 9))
    right = np.arange(N) % 2 == 0
    base = truth + rng.laplace(0, 0.1, truth.shape)
    other = truth + rng.laplace(0, 1, truth.shape) * np.where(right, 0.02, 0.5)[:, None]

    def scaled(values: np.ndarray) -> np.ndarray:
        columns = np.clip(values, 0, 1) * SCALES
        columns[:, 8] -= 60
        return columns.astype(np.float32)

    unsure = np.broadcast_to(0.16 * SCALES, truth.shape).astype(np.float32)
    genres = [["pop"] if own else ["reggaeton"] for own in right]
    pair = Pair(scaled(base), unsure, scaled(other), np.full_like(unsure, np.nan), genres, [None, 60, 80] * (N // 3))
    return pair, scaled(truth), [f"artist {i // 3}" for i in range(N)]


@pytest.fixture(scope="module")
def model(made_up: tuple[Pair, np.ndarray, list[str]]) -> RouterModel:
    return fit_router(*made_up)


@pytest.fixture(scope="module")
def router(model: RouterModel) -> LearnedRouter:
    return LearnedRouter(model, "1")


def test_out_of_sample_it_beats_both_and_harms_no_group(made_up: tuple[Pair, np.ndarray, list[str]]) -> None:
    pair, truth, artists = made_up
    seen: list[int] = []
    fit = cross_fit(pair, truth, artists, lambda done, total: seen.append(done))
    routed, base, other = (track_errors(v, truth) for v in (fit.routed.values, pair.base, pair.other))
    assert routed.mean() < 0.8 * base.mean()
    assert routed.mean() < 0.8 * other.mean()
    groups = genre_groups(pair.genres)
    for group in ("pop", "latin"):
        assert routed[groups == group].mean() <= base[groups == group].mean() + 0.002
    assert seen == [1, 2, 3, 4, 5]
    assert fit.expected_gain[groups == "pop"].mean() > 4 * fit.expected_gain[groups == "latin"].mean()
    inside = np.abs(fit.routed.values - truth) <= fit.routed.uncertainty
    assert inside.mean() == pytest.approx(0.8, abs=0.06)


def test_no_group_is_trusted_where_that_made_it_worse(made_up: tuple[Pair, np.ndarray, list[str]]) -> None:
    pair, truth, _ = made_up
    inputs, goal = RouterInputs.of(pair), truth.astype(np.float64) / SCALES
    learned = np.where(inputs.groups[:, [GROUPS.index("pop")]] > 0, goal, inputs.base + 0.3)
    trust = dict(zip(GROUPS, _trust(inputs, learned, goal), strict=True))
    assert trust["pop"] == 1.0
    assert trust["latin"] == 0.0
    drawn = inputs.base + (inputs.groups @ np.array(list(trust.values())))[:, None] * (learned - inputs.base)
    errors, before = np.abs(drawn - goal), np.abs(inputs.base - goal)
    for group in ("pop", "latin"):
        own = inputs.groups[:, GROUPS.index(group)] > 0
        assert errors[own].mean() <= before[own].mean()


def test_routes_can_be_told_from_weights(router: LearnedRouter, made_up: tuple[Pair, np.ndarray, list[str]]) -> None:
    routed = router(made_up[0])
    assert ((routed.weight >= 0) & (routed.weight <= 1)).all()
    rule = np.array(routed.rules)[routed.rule]
    assert (routed.weight[rule == "learned-base"] <= 0.05).all()
    assert (routed.weight[rule == "learned-other"] >= 0.95).all()
    right = genre_groups(made_up[0].genres) == "pop"
    assert routed.weight[right].mean() > routed.weight[~right].mean() + 0.2


def test_what_was_not_looked_up_stays_the_base_and_its_interval(
    router: LearnedRouter, made_up: tuple[Pair, np.ndarray, list[str]]
) -> None:
    pair = made_up[0].take(np.arange(4))
    pair.other[0] = np.nan
    pair.other[1, 3] = np.nan
    routed = router(pair)
    for place in (0, (1, 3)):
        np.testing.assert_allclose(routed.values[place], pair.base[place], rtol=1e-5)
        np.testing.assert_array_equal(routed.uncertainty[place], pair.base_uncertainty[place])
        assert set(np.atleast_1d(np.array(routed.rules)[routed.rule[place]]).tolist()) == {NOT_LOOKED_UP}
        assert np.all(routed.weight[place] == 0)
    assert np.isfinite(routed.values).all()
    assert router(pair.take(np.array([], dtype=np.intp))).values.shape == (0, 9)


def test_a_base_without_intervals_is_unsure(router: LearnedRouter, made_up: tuple[Pair, np.ndarray, list[str]]) -> None:
    pair = made_up[0].take(np.arange(50))
    pair.base_uncertainty[:] = np.nan
    routed = router(pair)
    assert np.isfinite(routed.values).all()
    assert np.isfinite(routed.uncertainty).all()


def test_a_track_gets_the_same_in_any_company(
    router: LearnedRouter, made_up: tuple[Pair, np.ndarray, list[str]]
) -> None:
    together = router(made_up[0])
    for rows in (np.array([7]), np.arange(3, 40), np.arange(100, 611)):
        some = router(made_up[0].take(rows))
        np.testing.assert_array_equal(some.values, together.values[rows])
        np.testing.assert_array_equal(some.uncertainty, together.uncertainty[rows])


def test_it_is_published_and_found_by_name(
    tmp_path: Path, model: RouterModel, router: LearnedRouter, made_up: tuple[Pair, np.ndarray, list[str]]
) -> None:
    card = publish_artifact(tmp_path, CARD, model.write_files)
    found = find_strategy("learned", tmp_path)
    assert found.name == "learned"
    assert found.version == card.version  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found(made_up[0]).values, router(made_up[0]).values)


def test_a_router_for_other_inputs_is_refused(tmp_path: Path, model: RouterModel) -> None:
    def write(folder: Path) -> None:
        (folder / TREES_FILE).write_bytes(model.trees)
        write_arrays(folder / NUMBERS_FILE, model.arrays() | {"trust": np.ones(3)})

    publish_artifact(tmp_path, CARD, write)
    with pytest.raises(ConfigurationError, match="train router") as caught:
        LearnedRouter.load(tmp_path)
    assert caught.value.code == "artifact-corrupt"


def test_without_an_artifact_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_strategy("learned", tmp_path)
    assert caught.value.code == "artifact-missing"


def test_answers_that_lack_a_feature_still_teach_the_others() -> None:
    rng = np.random.default_rng(3)
    n = 400
    truth = rng.uniform(0.2, 0.8, (n, 9)).astype(np.float32)
    base = np.full((n, 9), 0.5, np.float32)
    other = truth.copy()
    other[:, 5] = np.nan
    other[rng.random(n) < 0.2, 0] = np.nan
    unsure = np.full((n, 9), 0.3, np.float32)
    pair = Pair(base, unsure, other, np.where(np.isnan(other), other, unsure), [[] for _ in range(n)], [None] * n)
    model = fit_router(pair, truth, [f"artist {row % 80}" for row in range(n)])
    routed = LearnedRouter(model, "test")(pair)
    known = ~np.isnan(other)
    error, before = np.abs(routed.values - truth), np.abs(base - truth)
    for feature in (0, 1, 4):
        rows = known[:, feature]
        assert error[rows, feature].mean() < 0.5 * before[rows, feature].mean()
    assert np.array_equal(routed.values[:, 5], base[:, 5]), "nothing is routed where nothing was answered"
    assert not np.isnan(routed.values).any()
