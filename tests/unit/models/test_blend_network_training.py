"""Training of the blend's networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.features import N_FEATURES
from models.predictors.blend import network_training
from models.predictors.blend.network_training import FIRST_STAGE, JUDGE, NetworkInputs, NetworkOptions, fit_network
from models.predictors.blend.networks import Network
from models.predictors.blend.tokens import GROUPS
from models.predictors.blend.vocabulary import SparseRows

N, N_DENSE, SIZES = 400, 3, [6, 0, 2, 1]
ROWS = np.arange(N)


QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
MEDIAN = 2
SMALL = NetworkOptions((4, 4, 4, 4), (16, 8), QUANTILES, epochs=30, learning_rate=1e-2, dropout=0.0)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_training, "_BATCH", 50)


def tokens(columns: np.ndarray) -> SparseRows:
    """One token a track."""
    ones = np.ones(len(columns), dtype=np.float32)
    return SparseRows(columns.astype(np.int32), ones, np.arange(len(columns) + 1, dtype=np.int64))


def none() -> SparseRows:
    return SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(N + 1, np.int64))


def inputs_of(targets: np.ndarray, weights: np.ndarray | None = None) -> NetworkInputs:
    rng = np.random.default_rng(0)
    return NetworkInputs(
        groups=[tokens(ROWS % 6), none(), tokens(ROWS % 2), none()],
        sizes=SIZES,
        dense=rng.normal(size=(N, N_DENSE)).astype(np.float32),
        targets=np.broadcast_to(targets, (N, N_FEATURES)).astype(np.float32),
        weights=np.ones(N, dtype=np.float32) if weights is None else weights.astype(np.float32),
        importance=np.ones(N_FEATURES, dtype=np.float32),
    )


def outputs(network: Network, inputs: NetworkInputs) -> np.ndarray:
    """[N, 9, q]"""
    return network.run(inputs.groups, inputs.dense).reshape(N, N_FEATURES, len(QUANTILES))


def arrays_of(network: Network) -> list[np.ndarray]:
    return [*network.embeddings, *(part for layer in network.layers for part in layer)]


def test_the_same_seed_gives_the_same_network() -> None:
    few = replace(SMALL, epochs=2, dropout=0.3)
    inputs = inputs_of(np.random.default_rng(1).normal(size=(N, N_FEATURES)))
    one, again, other = (arrays_of(fit_network(inputs, ROWS, seed, few)) for seed in (1, 1, 2))
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((first != second).any() for first, second in zip(one, other, strict=True))


def test_training_leaves_torch_as_it_was() -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    fit_network(inputs_of(np.zeros(N_FEATURES)), ROWS, 1, SMALL)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_learns_a_constant() -> None:
    constant = np.linspace(-1, 1, N_FEATURES)
    inputs = inputs_of(constant)
    median = outputs(fit_network(inputs, ROWS, 1, SMALL), inputs)[:, :, MEDIAN]
    assert np.abs(median - constant).mean() < 0.05


def test_it_learns_quantiles_in_order() -> None:
    inputs = inputs_of(np.random.default_rng(1).uniform(-1, 1, size=(N, N_FEATURES)))
    mean = outputs(fit_network(inputs, ROWS, 1, SMALL), inputs).mean(axis=(0, 1))
    # A network this free follows the noise somewhat, which draws the outer quantiles inward.
    assert mean == pytest.approx([2 * quantile - 1 for quantile in QUANTILES], abs=0.25)
    assert (np.diff(mean) > 0.1).all()


def test_it_learns_what_a_token_means() -> None:
    sign = np.where(ROWS % 2 == 0, 1.0, -1.0)
    inputs = inputs_of(sign[:, None])
    median = outputs(fit_network(inputs, ROWS, 1, SMALL), inputs)[:, :, MEDIAN]
    assert np.abs(median - sign[:, None]).mean() < 0.15


def test_rows_without_weight_or_left_out_teach_nothing() -> None:
    constant = np.where(ROWS < 200, 1.0, -1.0)
    weightless = inputs_of(constant[:, None], weights=ROWS < 200)
    left_out = inputs_of(constant[:, None])
    for inputs, rows in ((weightless, ROWS), (left_out, ROWS[:200])):
        assert outputs(fit_network(inputs, rows, 1, SMALL), inputs)[:, :, MEDIAN].mean() == pytest.approx(1, abs=0.1)


def test_the_arrays_compute_what_torch_computes() -> None:
    inputs = inputs_of(np.zeros(N_FEATURES))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = network_training._Net(SIZES, N_DENSE, SMALL).eval()
    for bag in net.bags:
        torch.nn.init.uniform_(bag.weight, -1, 1)
    groups = [network_training._tensors(group) for group in inputs.groups]
    with torch.no_grad():
        expected = net(groups, torch.from_numpy(inputs.dense)).numpy()
    own = network_training._to_arrays(net, SIZES)
    assert [len(table) for table in own.embeddings] == SIZES
    np.testing.assert_allclose(outputs(own, inputs), expected, atol=1e-5)


def test_a_network_without_texts_learns_one_value_from_numbers() -> None:
    """As the networks of the judges do: no groups, one quantile."""
    dense = np.random.default_rng(0).normal(size=(N, N_DENSE)).astype(np.float32)
    targets = dense[:, [0] * N_FEATURES] * np.linspace(-1, 1, N_FEATURES, dtype=np.float32)
    weights, importance = np.ones(N, dtype=np.float32), np.ones(N_FEATURES, dtype=np.float32)
    inputs = NetworkInputs([], [], dense, targets, weights, importance)
    network = fit_network(inputs, ROWS, 1, replace(SMALL, embedding_sizes=(), quantiles=(0.5,)))
    assert network.embeddings == []
    assert np.abs(network.run([], dense) - targets).mean() < 0.15


def test_the_options_fit_what_they_are_for() -> None:
    assert len(FIRST_STAGE.embedding_sizes) == len(GROUPS)
    assert 0.5 in FIRST_STAGE.quantiles
    assert (JUDGE.embedding_sizes, JUDGE.quantiles) == ((), (0.5,))
