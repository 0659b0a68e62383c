"""The blend's linear models against the closed form of the ridge."""

import numpy as np
import pytest

from core.features import N_FEATURES
from models.predictors.blend import linear_training
from models.predictors.blend.linear_training import ALPHA, KIND_SCALES, LinearInputs
from models.predictors.blend.tokens import KINDS
from models.predictors.blend.vocabulary import SparseRows, Vocabulary

N, N_DENSE = 400, 5
# Tokens of four kinds.
TERMS = {kind: ["a", "b", "c"][: 1 + at % 3] if at % 2 == 0 else [] for at, kind in enumerate(KINDS)}
N_TOKENS = sum(map(len, TERMS.values()))


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(TERMS, np.ones(N_TOKENS, dtype=np.float32))


@pytest.fixture
def matrix() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.random((N, N_TOKENS)) * (rng.random((N, N_TOKENS)) < 0.4)).astype(np.float32)


@pytest.fixture
def dense() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, N_DENSE)).astype(np.float32)


@pytest.fixture
def inputs(vocabulary: Vocabulary, matrix: np.ndarray, dense: np.ndarray) -> LinearInputs:
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=N))])
    return LinearInputs.of(SparseRows(columns.astype(np.int32), matrix[rows, columns], starts), dense, vocabulary)


def targets_of(matrix: np.ndarray, dense: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(2)
    x = np.hstack([matrix, dense])
    noise = rng.normal(size=(N, N_FEATURES))
    return (x @ rng.normal(size=(x.shape[1], N_FEATURES)) + noise).astype(np.float32)


def closed_form(x: np.ndarray, y: np.ndarray, weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Coefficients of the unscaled x that minimize sum w (y - x s b)^2 + ALPHA |b|^2."""
    scaled = x.astype(np.float64) * scale
    gram = scaled.T @ (weights[:, None] * scaled) + ALPHA * np.eye(x.shape[1])
    return np.linalg.solve(gram, scaled.T @ (weights[:, None] * y)) * scale[:, None]


def test_it_is_the_weighted_ridge(
    inputs: LinearInputs, vocabulary: Vocabulary, matrix: np.ndarray, dense: np.ndarray
) -> None:
    weights = np.random.default_rng(3).uniform(0.2, 2, size=N).astype(np.float32)
    rows = np.flatnonzero(np.arange(N) % 5 != 0)
    targets = targets_of(matrix, dense)
    tokens, numbers = inputs.fit(rows, targets, weights)
    assert (tokens.shape, numbers.shape) == ((N_TOKENS, N_FEATURES), (N_DENSE, N_FEATURES))
    scale = np.full(N_TOKENS + N_DENSE, linear_training._DENSE_SCALE)
    for kind, (first, end) in vocabulary.ranges.items():
        scale[first:end] = KIND_SCALES[kind]
    x = np.hstack([matrix, dense])
    expected = closed_form(x[rows], targets[rows], weights[rows], scale)
    np.testing.assert_allclose(np.vstack([tokens, numbers]), expected, rtol=1e-3, atol=1e-4)


def test_every_feature_is_solved_by_itself(inputs: LinearInputs, matrix: np.ndarray, dense: np.ndarray) -> None:
    targets, weights = targets_of(matrix, dense), np.ones(N, dtype=np.float32)
    alone = targets.copy()
    alone[:, 1:] = 0
    rows = np.arange(N)
    for together, single in zip(inputs.fit(rows, targets, weights), inputs.fit(rows, alone, weights), strict=True):
        np.testing.assert_allclose(together[:, 0], single[:, 0], atol=1e-4)
        assert not single[:, 1:].any()


def test_rows_left_out_teach_nothing(inputs: LinearInputs, matrix: np.ndarray, dense: np.ndarray) -> None:
    targets, weights, rows = targets_of(matrix, dense), np.ones(N, dtype=np.float32), np.arange(0, N, 2)
    expected = inputs.fit(rows, targets, weights)
    targets[1::2], weights[1::2] = np.nan, np.nan
    for got, before in zip(inputs.fit(rows, targets, weights), expected, strict=True):
        np.testing.assert_array_equal(got, before)


def test_tokens_that_no_track_has_stay_zero(vocabulary: Vocabulary, dense: np.ndarray) -> None:
    nothing = SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(N + 1, np.int64))
    inputs = LinearInputs.of(nothing, dense, vocabulary)
    tokens, numbers = inputs.fit(np.arange(N), dense[:, [0] * N_FEATURES], np.ones(N, dtype=np.float32))
    assert not tokens.any()
    assert numbers[0] == pytest.approx(0.8, abs=0.2)
