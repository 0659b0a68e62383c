"""Repeated samples: the same for every predictor and in every run."""

import numpy as np
import pytest

from models.evaluation.samples import N_SAMPLES, repeat_samples


@pytest.fixture
def per_track() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shared = rng.uniform(0, 0.3, size=400)
    return {"a": shared, "b": shared + 0.01, "c": rng.uniform(0, 0.3, size=400)}


def test_samples_are_the_same_in_every_run(per_track: dict[str, np.ndarray]) -> None:
    assert repeat_samples(per_track) == repeat_samples(per_track)


def test_all_predictors_get_the_same_tracks(per_track: dict[str, np.ndarray]) -> None:
    spreads = repeat_samples(per_track)
    assert np.array(spreads["b"].means) - spreads["a"].means == pytest.approx(np.full(N_SAMPLES, 0.01))
    assert spreads["b"].ranked_first == 0
    assert spreads["a"].ranked_first + spreads["c"].ranked_first == pytest.approx(1.0)


def test_the_first_sample_has_the_seed_of_the_platform(per_track: dict[str, np.ndarray]) -> None:
    rows = np.random.default_rng(42).choice(400, size=100, replace=False)
    spread = repeat_samples(per_track)["a"]
    assert spread.first == pytest.approx(per_track["a"][rows].mean())
    assert spread.first == spread.means[0]


def test_the_spread_is_that_of_the_means(per_track: dict[str, np.ndarray]) -> None:
    spread = repeat_samples(per_track)["a"]
    assert spread.mean == pytest.approx(np.mean(spread.means))
    assert (spread.low, spread.high) == pytest.approx(tuple(np.quantile(spread.means, [0.025, 0.975])))
    assert spread.low < spread.mean < spread.high


def test_a_sample_of_everything_has_no_spread() -> None:
    spread = repeat_samples({"a": np.arange(5.0), "b": np.arange(5.0)}, size=5, repetitions=3)
    assert spread["a"].means == pytest.approx([2.0] * 3)
    assert spread["a"].ranked_first == spread["b"].ranked_first == 1.0


def test_too_few_tracks_give_no_samples() -> None:
    assert repeat_samples({"a": np.zeros(99)}) == {}
