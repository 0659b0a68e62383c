"""The runtime of exported trees."""

import os
import subprocess
import sys

import lightgbm as lgb
import numpy as np
import pytest

from core.errors import ConfigurationError
from models.tree_ensemble import TreeEnsemble
from models.tree_export import export_trees

N, N_COLUMNS = 300, 4


@pytest.fixture(scope="module")
def content() -> bytes:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(N, N_COLUMNS)).astype(np.float32)
    parameters = {"objective": "regression", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    boosters = [lgb.train(parameters, lgb.Dataset(columns, columns[:, k].copy()), 120) for k in range(2)]
    return export_trees([[booster] for booster in boosters], N_COLUMNS)


@pytest.fixture
def columns() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, N_COLUMNS)).astype(np.float32)


def test_shapes_and_dtype(content: bytes, columns: np.ndarray) -> None:
    trees = TreeEnsemble(content)
    assert (trees.n_columns, trees.n_targets) == (N_COLUMNS, 2)
    assert trees.predict(columns).shape == (N, 2)
    assert trees.predict(columns).dtype == np.float32
    assert trees.predict(columns[:0]).shape == (0, 2)


def test_a_row_gets_the_same_bits_in_any_batch(content: bytes, columns: np.ndarray) -> None:
    trees = TreeEnsemble(content)
    whole = trees.predict(columns)
    for size in (1, 2, 7, 64, 129):
        parts = [trees.predict(columns[start : start + size]) for start in range(0, N, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_threads_change_nothing_but_the_last_bits(content: bytes, columns: np.ndarray) -> None:
    one, two = TreeEnsemble(content), TreeEnsemble(content, threads=2)
    np.testing.assert_allclose(two.predict(columns), one.predict(columns), atol=1e-5)


def test_a_loaded_model_survives_a_fork(content: bytes, columns: np.ndarray) -> None:
    trees = TreeEnsemble(content)
    expected = trees.predict(columns)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(trees.predict(columns), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("broken", [b"", b"no model", b"\x08\x0a" * 50])
def test_no_model_is_a_corrupt_artifact(broken: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TreeEnsemble(broken)
    assert caught.value.code == "artifact-corrupt"


def test_a_truncated_model_is_a_corrupt_artifact(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="Train it again"):
        TreeEnsemble(content[: len(content) // 2])


def test_inference_needs_neither_the_libraries_that_train_nor_onnx() -> None:
    script = (
        "import sys, models.tree_ensemble; print(*[n for n in ('lightgbm', 'sklearn', 'onnx') if n in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split() == []
    )
