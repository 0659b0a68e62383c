"""The blend's judges: trees, networks and the calibration of intervals, on synthetic cases."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from core.features import N_FEATURES
from models.predictors.blend import judge_training, network_training
from models.predictors.blend.boosting import Growth, grow, predict
from models.predictors.blend.columns import UNKNOWN, network_columns, width_columns
from models.predictors.blend.description import Description
from models.predictors.blend.first_stage import QUANTILES, FirstGuess
from models.predictors.blend.judge import Correction, Drift, Judge, JudgeParts, View
from models.predictors.blend.judge_training import CV_FOLDS, MODELS, Cases, train_judge
from models.predictors.blend.memory import N_RECALLED, Recollection
from models.predictors.blend.numbers import NUMBERS
from models.predictors.blend.vocabulary import SparseRows
from models.tree_ensemble import TreeEnsemble
from models.tree_export import export_trees

N, N_COLUMNS = 2_000, 4
LEVELS = np.linspace(0.5, 1, N_FEATURES)
# Columns of `NUMBERS` that the value and the size of the noise follow.
LEVEL, NOISY = NUMBERS.index("upper case"), NUMBERS.index("digits")
SMALL = replace(network_training.JUDGE, hidden=(16, 8), epochs=12, learning_rate=1e-2, dropout=0.0)
FEW = Growth("l1", trees=30, leaves=7, learning_rate=0.2, min_leaf=10)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VALUES", "COARSE_VALUES", "WIDTHS"):
        growth = getattr(judge_training, name)
        few = replace(growth, trees=20, leaves=7, learning_rate=0.2, min_leaf=10)
        monkeypatch.setattr(judge_training, name, few)
    monkeypatch.setattr(judge_training, "JUDGE", SMALL)
    monkeypatch.setattr(network_training, "_BATCH", 100)


def nothing() -> None:
    pass


def view_of(numbers: np.ndarray, guess: np.ndarray) -> View:
    """Tracks of which only numbers are known, and what the first stage says of them."""
    n = len(numbers)
    tokens = SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(n + 1, np.int64))
    genres = np.zeros((n, 2), dtype=np.float32)
    described = Description(tokens, numbers, genres, [[1]] * n, np.zeros(n, dtype=np.uint64))
    quantiles = np.repeat(guess[:, :, None], len(QUANTILES), axis=2)
    recalled = Recollection(np.full(n, -1), np.zeros((n, N_RECALLED), dtype=np.float32))
    return View(described, FirstGuess(guess, quantiles), recalled)


def level_of(view: View) -> np.ndarray:
    """The true values before noise, [n, 9]."""
    return view.described.numbers[:, [LEVEL]] * LEVELS


def cases(n: int = N, seed: int = 0, noise: float = 0.1) -> Cases:
    """The first stage is off by a constant; noise is five times as large for half of the tracks."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros((n, len(NUMBERS)), dtype=np.float32)
    numbers[:, LEVEL] = rng.random(n)
    numbers[:, NOISY] = rng.random(n) > 0.5
    numbers[:, NUMBERS.index("year")] = np.where(rng.random(n) < 0.2, np.nan, rng.integers(1960, 2020, size=n))
    view = view_of(numbers, (numbers[:, [LEVEL]] * LEVELS + 0.1).astype(np.float32))
    scale = noise * np.where(numbers[:, [NOISY]] > 0, 1.0, 0.2)
    return Cases(
        kind=UNKNOWN,
        view=view,
        targets=level_of(view) + scale * rng.normal(size=(n, N_FEATURES)),
        weights=np.ones(n, dtype=np.float32),
        fold=rng.permutation(n) % CV_FOLDS,
        calibrating=np.ones(n, dtype=np.bool_),
    )


def both(one: Cases, other: Cases, calibrating: np.ndarray) -> Cases:
    """The tracks of both."""
    return Cases(
        kind=UNKNOWN,
        view=view_of(
            np.vstack([one.view.described.numbers, other.view.described.numbers]),
            np.vstack([one.view.guess.linear, other.view.guess.linear]),
        ),
        targets=np.vstack([one.targets, other.targets]),
        weights=np.hstack([one.weights, other.weights]),
        fold=np.hstack([one.fold, other.fold]),
        calibrating=calibrating,
    )


def columns_and_targets(n: int = N) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For trees alone: the values follow the first column."""
    columns = np.random.default_rng(0).random((n, N_COLUMNS)).astype(np.float32)
    return columns, columns[:, [0]] * LEVELS, np.ones(n, dtype=np.float32)


def ask(parts: JudgeParts, asked: Cases) -> tuple[np.ndarray, np.ndarray]:
    """Values and half-widths."""
    return Judge(asked.kind, parts).judge(asked.view)


def covered(parts: JudgeParts, asked: Cases) -> np.ndarray:
    values, half_widths = ask(parts, asked)
    return (np.abs(values - asked.targets) <= half_widths).mean(axis=0)


@pytest.fixture(scope="module")
def fresh() -> Cases:
    return cases(n=4_000, seed=1)


def test_boosters_come_in_the_order_of_their_targets() -> None:
    columns = np.random.default_rng(0).random((N, N_COLUMNS)).astype(np.float32)
    targets = columns[:, [2, 0]].astype(np.float64) * [1, -1]
    boosters = grow(columns, targets, np.ones(N, dtype=np.float32), FEW, nothing)
    assert np.abs(predict(boosters, columns) - targets).mean(axis=0) == pytest.approx([0, 0], abs=0.06)


def test_every_finished_booster_is_reported_from_the_calling_thread() -> None:
    threads: list[int] = []
    grow(*columns_and_targets(), FEW, lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()] * N_FEATURES


def test_absolute_errors_and_quantiles_are_what_trees_minimize() -> None:
    """Of a skewed noise that no column explains, the median and the 80 % quantile."""
    rng = np.random.default_rng(0)
    columns = rng.random((3_000, 1)).astype(np.float32)
    targets = rng.exponential(size=(3_000, 1))
    stumps = replace(FEW, leaves=2, min_leaf=500)
    for growth, expected in (
        (stumps, np.log(2)),
        (replace(stumps, objective="quantile", quantile=0.8), np.log(5)),
    ):
        found = predict(grow(columns, targets, np.ones(3_000, dtype=np.float32), growth, nothing), columns)
        assert found.mean() == pytest.approx(expected, rel=0.1)


def test_tracks_without_weight_teach_nothing() -> None:
    columns = np.random.default_rng(0).random((N, 1)).astype(np.float32)
    ignored = np.arange(N) % 2 == 0
    targets = np.where(ignored, 5.0, 1.0)[:, None]
    boosters = grow(columns, targets, (~ignored).astype(np.float32), FEW, nothing)
    assert predict(boosters, columns) == pytest.approx(1.0, abs=0.05)


def test_served_trees_predict_what_grown_ones_did() -> None:
    columns, targets, weights = columns_and_targets()
    boosters = grow(columns, targets, weights, FEW, nothing)
    served = TreeEnsemble(export_trees([[booster] for booster in boosters], N_COLUMNS))
    np.testing.assert_allclose(served.predict(columns), predict(boosters, columns), atol=1e-5)


def test_intervals_hold_four_fifths_of_fresh_draws(fresh: Cases) -> None:
    inside = covered(train_judge(cases(), nothing), fresh)
    # A little more, since the trees that are served have seen more tracks than those that the factor is from.
    assert inside.mean() == pytest.approx(0.81, abs=0.03)
    assert inside == pytest.approx([0.81] * N_FEATURES, abs=0.06)


def test_the_factor_is_what_makes_them_hold(monkeypatch: pytest.MonkeyPatch, fresh: Cases) -> None:
    """Trees that take a half for four fifths are made up for."""
    monkeypatch.setattr(judge_training, "WIDTHS", replace(judge_training.WIDTHS, quantile=0.5))
    judge = train_judge(cases(), nothing)
    assert (judge.factor > 1.3).all()
    assert covered(judge, fresh).mean() == pytest.approx(0.8, abs=0.04)


def test_intervals_are_wider_where_there_is_more_noise(fresh: Cases) -> None:
    values, half_widths = ask(train_judge(cases(), nothing), fresh)
    noisy = fresh.view.described.numbers[:, NOISY] > 0
    assert (half_widths[noisy].mean(axis=0) > 1.5 * half_widths[~noisy].mean(axis=0)).all()
    # Well below the first stage's constant error of 0.1.
    assert np.abs(values - level_of(fresh.view)).mean() < 0.05


def test_only_calibrating_tracks_calibrate(fresh: Cases) -> None:
    mixed = both(cases(noise=0.1), cases(seed=2, noise=1.0), calibrating=np.arange(2 * N) < N)
    parts = train_judge(mixed, nothing)
    assert (parts.factor < 0.7).all()
    assert covered(parts, fresh).mean() == pytest.approx(0.8, abs=0.06)


def test_networks_learn_what_the_first_stage_missed(fresh: Cases) -> None:
    parts = train_judge(cases(), nothing)
    columns = network_columns(fresh.columns, fresh.view.described)
    corrected = parts.correction.apply(columns, fresh.offset)
    assert np.abs(corrected - level_of(fresh.view)).mean() < 0.05
    again = Correction.restore(parts.correction.arrays("c"), "c", len(parts.correction.networks))
    np.testing.assert_allclose(again.apply(columns, fresh.offset), corrected, atol=1e-3)


def test_a_track_is_judged_alike_in_any_batch() -> None:
    own = cases()
    judge = Judge(own.kind, train_judge(own, nothing))
    whole = judge.judge(own.view)
    for rows in ([0], [5, 3], list(range(40, 3, -1))):
        some = judge.judge(own.view.take(np.array(rows)))
        for one, other in zip(some, whole, strict=True):
            np.testing.assert_array_equal(one, other[rows])


def test_factor_and_floor_are_positive_and_small_numbers() -> None:
    judge = train_judge(cases(), nothing)
    assert judge.factor.dtype == judge.floor.dtype == np.float32
    assert judge.factor.shape == judge.floor.shape == (N_FEATURES,)
    assert (judge.factor > 0).all()
    # A tenth of the median error, which is between the 0.013 and the 0.067 of both kinds of tracks.
    assert ((judge.floor > 0.001) & (judge.floor < 0.02)).all()


def test_a_judge_repeats_itself() -> None:
    one, again = (train_judge(cases(), nothing) for _ in range(2))
    assert (one.values, one.widths) == (again.values, again.widths)
    np.testing.assert_array_equal(one.factor, again.factor)
    np.testing.assert_array_equal(one.floor, again.floor)
    np.testing.assert_array_equal(*(parts.correction.networks[0].layers[0][0] for parts in (one, again)))


def test_every_model_of_a_judge_is_reported() -> None:
    calls = []
    train_judge(cases(), lambda: calls.append(None))
    assert len(calls) == MODELS


@pytest.mark.parametrize("varying", [0.0, 0.4])
def test_a_feature_that_is_mostly_exactly_right_keeps_finite_intervals(varying: float) -> None:
    """As instrumentalness, which is exactly zero for many tracks: most residuals are then exactly zero, too."""
    own = cases()
    odd = np.random.default_rng(5).random(N) < varying
    for values in (own.targets, own.view.guess.linear, own.view.guess.quantiles):
        values[~odd, 4] = 0
    judge = train_judge(own, nothing)
    assert np.isfinite(judge.factor).all()
    _, half_widths = ask(judge, own)
    assert (np.isfinite(half_widths) & (half_widths > 0)).all()


def test_width_columns_tell_how_far_apart_the_outer_quantiles_are() -> None:
    quantiles = np.arange(2 * N_FEATURES * len(QUANTILES), dtype=np.float32).reshape(2, N_FEATURES, -1) ** 2
    columns, values = np.zeros((2, 3), dtype=np.float32), np.ones((2, N_FEATURES), dtype=np.float32)
    got = width_columns(columns, values, FirstGuess(values, quantiles))
    expected = np.hstack([columns, values, quantiles[:, :, -1] - quantiles[:, :, 0]])
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32


def test_intervals_widen_beyond_the_newest_year_alone() -> None:
    growth = np.full(N_FEATURES, 0.1, dtype=np.float32)
    years = np.array([1950, 2020, np.nan, 2021, 2022], dtype=np.float32)
    factors = Drift(np.float32(2020), growth).factor(years)
    assert factors[:, 0] == pytest.approx([1, 1, 1, 1.1, 1.2])
    assert np.isfinite(Drift(np.float32(2020), growth).factor(np.array([2100], dtype=np.float32))).all()
    # No track of the training data had a year.
    np.testing.assert_array_equal(Drift(np.float32(-np.inf), growth).factor(years), np.ones((5, N_FEATURES)))


def test_drift_is_learned_where_newer_tracks_are_harder() -> None:
    own, steady = cases(n=4_000), cases(n=4_000)
    years = own.view.described.years
    newer = years > np.nanquantile(years, 0.9)
    own.targets[newer] += np.random.default_rng(3).normal(size=(int(newer.sum()), N_FEATURES)) * 0.3
    drifting, still = (train_judge(each, nothing).drift for each in (own, steady))
    assert drifting.newest == np.nanmax(years)
    assert (drifting.growth > 0.03).all()
    assert ((still.growth >= 0) & (still.growth < 0.1)).all()
