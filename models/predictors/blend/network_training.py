"""Training of the networks: quantiles of all nine features at once, with torch."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.features import N_FEATURES
from models.predictors.blend.first_stage import QUANTILES
from models.predictors.blend.networks import Network
from models.predictors.blend.vocabulary import SparseRows

_BATCH = 512
_EMBEDDING_DROPOUT = 0.2
_EMBEDDING_DEVIATION = 0.01
_EMBEDDING_LEARNING_RATE = 3e-3
_WARM_UP = 0.15


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """The shape of a network and how it is trained."""

    embedding_sizes: tuple[int, ...]  #: Dimensions for each group of kinds
    hidden: tuple[int, int]
    quantiles: tuple[float, ...]  #: What it predicts of each feature
    epochs: int
    learning_rate: float
    dropout: float


#: Networks of the first stage; the groups are tags, title, artist, album.
FIRST_STAGE = NetworkOptions((48, 16, 16, 16), (512, 128), QUANTILES, epochs=4, learning_rate=1e-3, dropout=0.3)
#: Networks of the judges, which see no text.
JUDGE = NetworkOptions((), (256, 256), (0.5,), epochs=16, learning_rate=2e-3, dropout=0.2)


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """What the networks learn from; n tracks."""

    groups: list[SparseRows]  #: Tokens of each group of kinds
    sizes: list[int]  #: Columns of each group
    dense: NDArray[np.float32]  #: [n, c], standardized
    targets: NDArray[np.float32]  #: [n, 9], centered and divided by their spread
    weights: NDArray[np.float32]  #: [n]
    importance: NDArray[np.float32]  #: [9], of each feature in the loss


class _Net(nn.Module):
    def __init__(self, sizes: list[int], dense: int, options: NetworkOptions) -> None:
        super().__init__()
        self.dropout = options.dropout
        self.outputs = (N_FEATURES, len(options.quantiles))
        bags = [nn.EmbeddingBag(max(n, 1), d, mode="sum") for n, d in zip(sizes, options.embedding_sizes, strict=True)]
        for bag in bags:
            nn.init.normal_(bag.weight, std=_EMBEDDING_DEVIATION)
        self.bags = nn.ModuleList(bags)
        widths = (sum(options.embedding_sizes) + dense, *options.hidden, N_FEATURES * len(options.quantiles))
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(widths))

    def forward(self, groups: list[tuple[Tensor, Tensor, Tensor]], dense: Tensor) -> Tensor:
        pooled = [
            functional.dropout(bag(columns, starts, per_sample_weights=weights), _EMBEDDING_DROPOUT, self.training)
            for bag, (columns, starts, weights) in zip(self.bags, groups, strict=True)
        ]
        hidden = torch.cat([*pooled, dense], dim=1)
        for layer in list(self.layers)[:-1]:
            hidden = functional.dropout(functional.silu(layer(hidden)), self.dropout, self.training)
        outputs: Tensor = self.layers[-1](hidden)
        return outputs.view(len(dense), *self.outputs)


def fit_network(inputs: NetworkInputs, rows: NDArray[np.intp], seed: int, options: NetworkOptions) -> Network:
    """Train on the given rows; the same seed gives the same network on any machine with the same torch."""
    threads = torch.get_num_threads()
    # Two threads add up in another order than one.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = _Net(inputs.sizes, inputs.dense.shape[1], options)
            _fit(net, inputs, rows, np.random.default_rng(seed), options)
    finally:
        torch.set_num_threads(threads)
    return _to_arrays(net, inputs.sizes)


def _fit(
    net: _Net, inputs: NetworkInputs, rows: NDArray[np.intp], rng: np.random.Generator, options: NetworkOptions
) -> None:
    groups = [(net.bags.parameters(), _EMBEDDING_LEARNING_RATE)] if inputs.groups else []
    groups.append((net.layers.parameters(), options.learning_rate))
    optimizer = torch.optim.Adam([{"params": list(parameters), "lr": rate} for parameters, rate in groups])
    steps = options.epochs * -(-len(rows) // _BATCH)
    rates = [rate for _, rate in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=_WARM_UP)
    net.train()
    for _ in range(options.epochs):
        order = rng.permutation(rows)
        for start in range(0, len(order), _BATCH):
            loss = _loss(net, inputs, order[start : start + _BATCH], options.quantiles)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _loss(net: _Net, inputs: NetworkInputs, batch: NDArray[np.intp], levels: tuple[float, ...]) -> Tensor:
    """Mean pinball loss over features and quantiles, which estimates the quantiles (Koenker & Bassett, 1978)."""
    groups = [_tensors(tokens.take(batch)) for tokens in inputs.groups]
    outputs = net(groups, torch.from_numpy(inputs.dense[batch]))
    errors = torch.from_numpy(inputs.targets[batch])[:, :, None] - outputs
    quantiles = torch.tensor(levels)
    losses = torch.maximum(quantiles * errors, (quantiles - 1) * errors)
    importance = torch.from_numpy(inputs.importance)[None, :, None]
    return (losses * importance * torch.from_numpy(inputs.weights[batch])[:, None, None]).mean()


def _tensors(tokens: SparseRows) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(tokens.columns.astype(np.int64)),
        torch.from_numpy(tokens.starts[:-1].astype(np.int64)),
        torch.from_numpy(tokens.weights),
    )


def _to_arrays(net: _Net, sizes: list[int]) -> Network:
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    return Network(
        embeddings=[state[f"bags.{at}.weight"][:size].copy() for at, size in enumerate(sizes)],
        layers=[
            (state[f"layers.{at}.weight"].T.copy(), state[f"layers.{at}.bias"].copy()) for at in range(len(net.layers))
        ],
    )
