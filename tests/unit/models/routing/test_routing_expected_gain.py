"""What a look-up is expected to improve, before it is made."""

import time

import numpy as np
import pytest

from models.artifacts import SHIPPED_ARTIFACTS
from models.routing.expected_gain import GainModel, expected_gain
from models.routing.router_inputs import group_columns, popularity_column

N = 2_000
RNG = np.random.default_rng(0)
UNSURE = RNG.uniform(0.05, 0.4, (N, 9))
GENRES = [["pop"] if i % 2 else ["reggaeton"] for i in range(N)]
POPULARITY = [None if i % 3 == 0 else 40 + i % 60 for i in range(N)]


@pytest.fixture(scope="module")
def model() -> GainModel:
    """Gains grow with the uncertainty, and pop is found twice as often."""
    found = np.array([2.0 if own == ["pop"] else 1.0 for own in GENRES])
    gains = found * 0.2 * (UNSURE.mean(axis=1) - 0.15) + RNG.normal(0, 0.01, N)
    return GainModel.fit(UNSURE, group_columns(GENRES), popularity_column(POPULARITY), gains)


def expect(model: GainModel, level: float, genre: str, popularity: int | None = None) -> float:
    columns = (np.full((1, 9), level), group_columns([[genre]]), popularity_column([popularity]))
    return float(model.expect(*columns)[0])


def test_it_is_more_where_the_base_is_unsure_and_the_web_knows(model: GainModel) -> None:
    assert expect(model, 0.35, "pop") > expect(model, 0.25, "pop") > expect(model, 0.25, "reggaeton")
    assert expect(model, 0.35, "pop") == pytest.approx(0.08, abs=0.02)


def test_it_is_never_negative(model: GainModel) -> None:
    assert expect(model, 0.0, "reggaeton") == 0.0


def test_a_track_that_nobody_predicted_is_worth_more_than_most(model: GainModel) -> None:
    unknown = float(model.expect(np.full((1, 9), np.nan), group_columns([["pop"]]), popularity_column([None]))[0])
    assert expect(model, 0.3, "pop") < unknown < expect(model, 0.4, "pop")


def test_a_column_that_never_varied_says_nothing() -> None:
    gains = UNSURE.mean(axis=1)
    model = GainModel.fit(UNSURE, group_columns([["pop"]] * N), popularity_column([None] * N), gains)
    assert np.isfinite(model.coefficients).all()
    assert expect(model, 0.3, "pop", 90) == pytest.approx(0.3, abs=0.01)


def test_the_shipped_one_is_cheap_and_takes_anything() -> None:
    scales = np.array([1, 1, 1, 1, 1, 1, 1, 250, 60], dtype=np.float32)
    unsure = (UNSURE * scales).astype(np.float32)
    expected_gain(unsure[:1], GENRES[:1], POPULARITY[:1], SHIPPED_ARTIFACTS)
    begin = time.perf_counter()
    gains = expected_gain(unsure, GENRES, POPULARITY)
    assert (time.perf_counter() - begin) / N < 100e-6
    assert gains.shape == (N,)
    assert (gains >= 0).all()
    assert gains.mean() > 0
    assert expected_gain(unsure[:0], [], []).shape == (0,)
    assert expected_gain(np.full((1, 9), np.nan), [[]], [None])[0] > 0
