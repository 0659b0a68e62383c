"""The blend's first stage: sums, networks, folds, and how it is stored."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.features import FEATURE_NAMES, N_FEATURES
from models.predictors.blend import first_stage
from models.predictors.blend.description import Description
from models.predictors.blend.first_stage import MEDIAN, QUANTILES, SCALES, FirstGuess, FirstStage
from models.predictors.blend.networks import Network, quantized, split_groups, standardized, weighted_sums
from models.predictors.blend.numbers import NUMBERS
from models.predictors.blend.vocabulary import SparseRows

FOLDS, SIZES, EMBEDDED = 3, [5, 0, 4, 2], (4, 3, 2, 2)
N_TOKENS = sum(SIZES)
N_OUTPUTS = N_FEATURES * len(QUANTILES)
N = 70


def sparse(matrix: np.ndarray) -> SparseRows:
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    return SparseRows(columns.astype(np.int32), matrix[rows, columns].astype(np.float32), starts.astype(np.int64))


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    """Weights of tokens, [N, N_TOKENS]; the first rows have none."""
    rng = np.random.default_rng(0)
    weights = rng.random((N, N_TOKENS)) * (rng.random((N, N_TOKENS)) < 0.3)
    weights[:3] = 0
    return weights.astype(np.float32)


@pytest.fixture(scope="module")
def described(matrix: np.ndarray) -> Description:
    rng = np.random.default_rng(1)
    numbers = normal(rng, N, len(NUMBERS))
    numbers[:, NUMBERS.index("year")] = rng.integers(1950, 2020, size=N)
    numbers[::7, NUMBERS.index("year")] = np.nan
    return Description(sparse(matrix), numbers, normal(rng, N, 6), [[1]] * N, np.zeros(N, dtype=np.uint64))


def network(rng: np.random.Generator, dense: int) -> Network:
    widths = (sum(EMBEDDED) + dense, 8, 6, N_OUTPUTS)
    layers = [(normal(rng, n, m) / np.float32(n) ** 0.5, normal(rng, m)) for n, m in pairwise(widths)]
    return Network([normal(rng, size, d) for size, d in zip(SIZES, EMBEDDED, strict=True)], layers)


@pytest.fixture(scope="module")
def stage(described: Description) -> FirstStage:
    rng = np.random.default_rng(2)
    dense = described.dense().shape[1]
    token, numbers = normal(rng, FOLDS, N_TOKENS, N_FEATURES), normal(rng, FOLDS, dense, N_FEATURES)
    return FirstStage(
        center=normal(rng, N_FEATURES),
        spread=np.abs(normal(rng, N_FEATURES)),
        mean=normal(rng, dense),
        deviation=np.abs(normal(rng, dense)) + np.float32(0.5),
        token_coefficients=np.concatenate([token, token.mean(axis=0, keepdims=True)]),
        dense_coefficients=np.concatenate([numbers, numbers.mean(axis=0, keepdims=True)]),
        networks=[network(rng, dense) for _ in range(FOLDS)],
    )


def guess_of(stage: FirstStage, described: Description, fold: int) -> FirstGuess:
    return stage.guess(described, np.full(len(described), fold))


def run_by_hand(network: Network, matrix: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """The same network in double precision, with the usual formula of SiLU."""
    starts = np.cumsum([0, *SIZES[:-1]])
    pooled = [
        matrix[:, start : start + size] @ table.astype(np.float64)
        for start, size, table in zip(starts, SIZES, network.embeddings, strict=True)
    ]
    hidden = np.hstack([*pooled, dense])
    for weights, bias in network.layers[:-1]:
        hidden = hidden @ weights + bias
        hidden = hidden / (1 + np.exp(-hidden))
    weights, bias = network.layers[-1]
    return hidden @ weights + bias


def test_scales_are_those_of_the_error() -> None:
    scales = dict(zip(FEATURE_NAMES, SCALES, strict=True))
    assert (scales["tempo"], scales["loudness"], scales["energy"]) == (250, 60, 1)
    assert QUANTILES[MEDIAN] == 0.5
    assert list(QUANTILES) == sorted(QUANTILES)


def test_sums_of_weighted_rows(matrix: np.ndarray) -> None:
    table = normal(np.random.default_rng(5), N_TOKENS, 3)
    np.testing.assert_allclose(weighted_sums(table, sparse(matrix)), matrix @ table, atol=1e-5)
    assert weighted_sums(table[:0], sparse(matrix[:, :0])).tolist() == [[0.0] * 3] * N
    assert weighted_sums(table, sparse(matrix[:0])).shape == (0, 3)


def test_groups_are_split_by_their_columns(matrix: np.ndarray) -> None:
    table = normal(np.random.default_rng(5), N_TOKENS, 3)
    parts = split_groups(sparse(matrix), SIZES)
    ends = np.cumsum(SIZES)
    sums = [weighted_sums(table[end - size : end], part) for part, size, end in zip(parts, SIZES, ends, strict=True)]
    np.testing.assert_allclose(sum(sums), matrix @ table, atol=1e-5)


def test_missing_and_far_out_numbers_become_harmless() -> None:
    dense = np.array([[np.nan, 1.0, 1e9], [0.0, np.nan, -1e9]], dtype=np.float32)
    mean, deviation = np.array([np.nan, 0.5, 0], np.float32), np.array([np.nan, 0.25, 1], np.float32)
    scaled = standardized(dense, mean, deviation)
    assert scaled.tolist() == [[0, 2, 4], [0, 0, -4]]
    assert scaled.dtype == np.float32


def test_a_network_is_what_it_says(stage: FirstStage, described: Description, matrix: np.ndarray) -> None:
    dense = standardized(described.dense(), stage.mean, stage.deviation)
    got = stage.networks[0].run(split_groups(described.tokens, SIZES), dense)
    np.testing.assert_allclose(got, run_by_hand(stage.networks[0], matrix, dense), atol=1e-4)


def test_huge_activations_do_not_overflow() -> None:
    own = Network([], [(np.full((1, 1), 1e4, np.float32), np.zeros(1, np.float32))] * 2)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        outputs = own.run([], np.array([[1e4], [-1e4], [0]], dtype=np.float32))
    assert outputs.ravel().tolist() == [pytest.approx(1e12), 0, 0]


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_fold_is_served_by_its_own_models(
    stage: FirstStage, described: Description, matrix: np.ndarray, fold: int
) -> None:
    guess = guess_of(stage, described, fold)
    dense = standardized(described.dense(), stage.mean, stage.deviation)
    linear = matrix @ stage.token_coefficients[fold] + dense @ stage.dense_coefficients[fold] + stage.center
    np.testing.assert_allclose(guess.linear, linear, atol=1e-3)
    outputs = run_by_hand(stage.networks[fold], matrix, dense).reshape(N, N_FEATURES, -1)
    np.testing.assert_allclose(guess.quantiles, outputs * stage.spread[:, None] + stage.center[:, None], atol=1e-3)


def test_without_a_fold_it_is_the_mean_of_all(stage: FirstStage, described: Description) -> None:
    folds = [guess_of(stage, described, fold) for fold in range(FOLDS)]
    mean = guess_of(stage, described, -1)
    np.testing.assert_allclose(mean.linear, np.mean([each.linear for each in folds], axis=0), atol=1e-3)
    np.testing.assert_allclose(mean.quantiles, np.mean([each.quantiles for each in folds], axis=0), atol=1e-4)


def test_the_value_lies_between_both_models(stage: FirstStage, described: Description) -> None:
    guess = guess_of(stage, described, 0)
    np.testing.assert_array_equal(guess.median, guess.quantiles[:, :, MEDIAN])
    share = first_stage._LINEAR_SHARE
    np.testing.assert_allclose(guess.value, share * guess.linear + (1 - share) * guess.median, atol=1e-4)


@given(st.lists(st.integers(0, N - 1), min_size=1, max_size=40), st.data())
@settings(max_examples=40, deadline=None)
def test_a_track_gets_the_same_guess_in_any_batch(
    stage: FirstStage, described: Description, rows: list[int], data: st.DataObject
) -> None:
    fold = np.array(data.draw(st.lists(st.integers(-1, FOLDS - 1), min_size=N, max_size=N)))
    whole = stage.guess(described, fold)
    some = stage.guess(described.take(np.array(rows)), fold[rows])
    np.testing.assert_array_equal(some.linear, whole.linear[rows])
    np.testing.assert_array_equal(some.quantiles, whole.quantiles[rows])
    np.testing.assert_array_equal(whole.take(np.array(rows)).value, some.value)


def test_no_tracks_no_guesses(stage: FirstStage, described: Description) -> None:
    nothing = described.take(np.zeros(0, dtype=np.intp))
    assert stage.guess(nothing, np.zeros(0, dtype=np.intp)).quantiles.shape == (0, N_FEATURES, len(QUANTILES))


@given(arrays(np.float32, (6, 4), elements=st.floats(-1e6, 1e6, width=32)))
def test_eight_bits_keep_each_row_to_half_a_step(table: np.ndarray) -> None:
    codes, scales = quantized(table)
    assert (codes.dtype, scales.dtype) == (np.int8, np.float32)
    largest = np.abs(table).max(axis=1)
    assert (np.abs(codes.astype(np.int32)).max(axis=1) == 127)[largest > 1e-9].all()
    error = np.abs(codes * scales[:, None].astype(np.float64) - table)
    assert (error <= 0.501 * np.maximum(largest, 1e-12)[:, None] / 127).all()


def test_a_table_of_zeros_or_of_nothing_is_stored() -> None:
    codes, scales = quantized(np.zeros((2, 3), dtype=np.float32))
    assert not codes.any()
    assert (scales > 0).all()
    assert [part.shape for part in quantized(np.zeros((0, 3), dtype=np.float32))] == [(0, 3), (0,)]


def test_a_restored_stage_is_nearly_the_same_and_then_stays(stage: FirstStage, described: Description) -> None:
    again = FirstStage.restore(stage.arrays())
    for fold in (-1, 0, FOLDS - 1):
        before, after = guess_of(stage, described, fold), guess_of(again, described, fold)
        np.testing.assert_allclose(after.linear, before.linear, atol=0.02)
        np.testing.assert_allclose(after.quantiles, before.quantiles, atol=0.1)
    np.testing.assert_allclose(again.token_coefficients[-1], again.token_coefficients[:-1].mean(axis=0), atol=1e-6)
    twice = FirstStage.restore(again.arrays())
    # Scales of eight bits may move by a rounding.
    np.testing.assert_allclose(
        guess_of(twice, described, -1).quantiles, guess_of(again, described, -1).quantiles, atol=1e-4
    )


def test_what_is_stored_is_small(stage: FirstStage) -> None:
    stored = stage.arrays()
    assert stored["token_coefficients"].dtype == np.float16
    assert stored["token_coefficients"].shape == (FOLDS, N_TOKENS, N_FEATURES)
    assert stored["network0_embeddings0"].dtype == np.int8
    assert stored["network0_weights0"].dtype == np.float16
