"""Exported trees answer as the libraries that grew them."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor

from models.tree_ensemble import TreeEnsemble
from models.tree_export import export_trees

N_COLUMNS = 6
QUIET = {"verbose": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5}


def some_columns(seed: int, n: int = 400, missing: float = 0.0) -> np.ndarray:
    """Normal, rounded, sparse, tiny and constant columns."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, N_COLUMNS)).astype(np.float32)
    columns[:, 1] = np.round(columns[:, 1])
    columns[:, 2] *= rng.random(n) < 0.1
    columns[:, 3] *= 1e-30
    columns[:, 4] = 7
    columns[rng.random(columns.shape) < missing] = np.nan
    return columns


def some_targets(columns: np.ndarray, seed: int) -> np.ndarray:
    filled = np.nan_to_num(columns, nan=-1.0)
    noise = np.random.default_rng(seed).normal(size=len(columns))
    return filled[:, 0] * 3 + np.sin(filled[:, 1]) + (filled[:, 2] > 0) + filled[:, 5] ** 2 + 10 + noise


def grown(columns: np.ndarray, targets: np.ndarray, rounds: int = 20, **parameters: object) -> lgb.Booster:
    chosen = {"objective": "regression_l1", "num_leaves": 15, "seed": 3, **QUIET, **parameters}
    return lgb.train(chosen, lgb.Dataset(columns, targets), rounds)


def run(models: list[list[object]], columns: np.ndarray, **arguments: object) -> np.ndarray:
    return TreeEnsemble(export_trees(models, columns.shape[1], **arguments)).predict(columns)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    leaves=st.integers(2, 40),
    objective=st.sampled_from(["regression", "regression_l1", "huber", "fair", "quantile", "mape"]),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_equal_to_lightgbm(seed: int, leaves: int, objective: str, missing: float) -> None:
    columns = some_columns(seed, missing=missing)
    booster = grown(columns, some_targets(columns, seed), num_leaves=leaves, objective=objective)
    # New rows have missing values whether or not training had any.
    for asked in (columns, some_columns(seed + 1, missing=0.2)):
        np.testing.assert_allclose(run([[booster]], asked)[:, 0], booster.predict(asked), rtol=0, atol=1e-5)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_values_at_a_threshold_go_the_same_way(missing: float) -> None:
    columns = some_columns(1, missing=missing)
    booster = grown(columns, some_targets(columns, 1))
    lines = [line for line in booster.model_to_string().splitlines() if line.startswith("threshold=")]
    numbers = [number for line in lines for number in line.removeprefix("threshold=").split()]
    thresholds = np.array(numbers, dtype=np.float64).astype(np.float32)
    edges = np.concatenate([np.nextafter(thresholds, np.float32(side)) for side in (-np.inf, np.inf)] + [thresholds])
    edges = np.concatenate([edges, np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-38, -1e-38])])
    asked = np.repeat(columns[:40], len(edges) // 40 + 1, axis=0)[: len(edges)].copy()
    for column in range(N_COLUMNS):
        asked[:, column] = edges
        np.testing.assert_allclose(run([[booster]], asked)[:, 0], booster.predict(asked), rtol=0, atol=1e-5)


def test_several_targets_of_averaged_models_with_base_and_scale() -> None:
    columns = some_columns(2)
    boosters = [grown(columns, some_targets(columns, seed), seed=seed) for seed in range(5)]
    base, scale = np.array([1.0, -60.0]), np.array([0.5, 4.0])
    answer = run([boosters[:2], boosters[2:]], columns, base=base, scale=scale)
    expected = [
        np.mean([booster.predict(columns) for booster in group], axis=0) for group in (boosters[:2], boosters[2:])
    ]
    np.testing.assert_allclose(answer, base + scale * np.stack(expected, axis=1), rtol=0, atol=5e-5)
    assert answer.dtype == np.float32


def test_trees_without_a_split() -> None:
    columns = some_columns(3)
    split = grown(columns, some_targets(columns, 3))
    constant = grown(columns, np.full(len(columns), 4.0), min_data_in_leaf=len(columns), objective="regression")
    np.testing.assert_allclose(run([[constant]], columns)[:, 0], constant.predict(columns), atol=1e-6)
    both = run([[constant], [split]], columns)
    np.testing.assert_allclose(both[:, 0], constant.predict(columns), atol=1e-6)
    np.testing.assert_allclose(both[:, 1], split.predict(columns), atol=1e-5)


def test_only_the_best_iterations_are_written() -> None:
    columns = some_columns(4)
    booster = grown(columns, some_targets(columns, 4))
    booster.best_iteration = 7
    np.testing.assert_allclose(run([[booster]], columns)[:, 0], booster.predict(columns, num_iteration=7), atol=1e-5)


@pytest.mark.parametrize("parameters", [{}, {"init": "zero"}, {"loss": "absolute_error"}, {"max_leaf_nodes": 9}])
def test_equal_to_scikit_learn(parameters: dict[str, object]) -> None:
    columns = some_columns(5)
    model = GradientBoostingRegressor(n_estimators=30, max_depth=4, random_state=0, **parameters)
    model.fit(columns, some_targets(columns, 5))
    for asked in (columns, some_columns(6)):
        np.testing.assert_allclose(run([[model]], asked)[:, 0], model.predict(asked), rtol=0, atol=1e-5)


def test_the_same_models_give_the_same_bytes() -> None:
    columns = some_columns(7)
    first, second = (grown(columns, some_targets(columns, 7)) for _ in range(2))
    assert export_trees([[first]], N_COLUMNS) == export_trees([[second]], N_COLUMNS)


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "poisson"},
        {"reg_sqrt": True, "objective": "regression"},
        {"zero_as_missing": True},
        {"linear_tree": True, "objective": "regression"},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    ],
)
def test_what_the_format_lacks_is_refused(parameters: dict[str, object]) -> None:
    columns = some_columns(8)
    booster = grown(columns, np.abs(some_targets(columns, 8)), **parameters)
    with pytest.raises(ValueError, match=r"plain regression|zeros as missing"):
        export_trees([[booster]], N_COLUMNS)


def test_categorical_splits_are_refused() -> None:
    columns = np.abs(np.round(some_columns(9)))
    booster = lgb.train(
        {"objective": "regression", **QUIET},
        lgb.Dataset(columns, columns[:, 1] == 1, categorical_feature=[1]),
        3,
    )
    with pytest.raises(ValueError, match="categorical"):
        export_trees([[booster]], N_COLUMNS)


def test_a_target_without_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a model"):
        export_trees([[]], N_COLUMNS)
