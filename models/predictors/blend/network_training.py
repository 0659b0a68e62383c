"""Training of the networks: quantiles of all nine features at once, with torch."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.features import N_FEATURES
from models.predictors.blend.first_stage import QUANTILES, Network
from models.predictors.blend.vocabulary import SparseRows

#: Dimensions of the embeddings of each group of kinds: tags, title, artist, album.
EMBEDDING_SIZES = (48, 16, 16, 16)
HIDDEN = (512, 128)
EPOCHS = 4
BATCH = 512
LEARNING_RATE = 3e-3
_DENSE_LEARNING_RATE = 1e-3
_EMBEDDING_DROPOUT, _HIDDEN_DROPOUT = 0.2, 0.3
_EMBEDDING_DEVIATION = 0.01
_WARM_UP = 0.15


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
    def __init__(self, sizes: list[int], dense: int) -> None:
        super().__init__()
        bags = [nn.EmbeddingBag(max(n, 1), d, mode="sum") for n, d in zip(sizes, EMBEDDING_SIZES, strict=True)]
        for bag in bags:
            nn.init.normal_(bag.weight, std=_EMBEDDING_DEVIATION)
        self.bags = nn.ModuleList(bags)
        widths = (sum(EMBEDDING_SIZES) + dense, *HIDDEN, N_FEATURES * len(QUANTILES))
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(widths))

    def forward(self, groups: list[tuple[Tensor, Tensor, Tensor]], dense: Tensor) -> Tensor:
        pooled = [
            functional.dropout(bag(columns, starts, per_sample_weights=weights), _EMBEDDING_DROPOUT, self.training)
            for bag, (columns, starts, weights) in zip(self.bags, groups, strict=True)
        ]
        hidden = torch.cat([*pooled, dense], dim=1)
        for layer in list(self.layers)[:-1]:
            hidden = functional.dropout(functional.silu(layer(hidden)), _HIDDEN_DROPOUT, self.training)
        outputs: Tensor = self.layers[-1](hidden)
        return outputs.view(len(dense), N_FEATURES, len(QUANTILES))


def fit_network(inputs: NetworkInputs, rows: NDArray[np.intp], seed: int) -> Network:
    """Train on the given rows; the same seed gives the same network on any machine with the same torch."""
    threads = torch.get_num_threads()
    # Two threads add up in another order than one.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = _Net(inputs.sizes, inputs.dense.shape[1])
            _fit(net, inputs, rows, np.random.default_rng(seed))
    finally:
        torch.set_num_threads(threads)
    return _to_arrays(net, inputs.sizes)


def _fit(net: _Net, inputs: NetworkInputs, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    embeddings = list(net.bags.parameters())
    optimizer = torch.optim.Adam(
        [{"params": embeddings, "lr": LEARNING_RATE}, {"params": net.layers.parameters(), "lr": _DENSE_LEARNING_RATE}]
    )
    steps = EPOCHS * -(-len(rows) // BATCH)
    rates = [LEARNING_RATE, _DENSE_LEARNING_RATE]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=_WARM_UP)
    net.train()
    for _ in range(EPOCHS):
        order = rng.permutation(rows)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            loss = _loss(net, inputs, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _loss(net: _Net, inputs: NetworkInputs, batch: NDArray[np.intp]) -> Tensor:
    """Mean pinball loss over features and quantiles, which estimates the quantiles (Koenker & Bassett, 1978)."""
    groups = [_tensors(tokens.take(batch)) for tokens in inputs.groups]
    outputs = net(groups, torch.from_numpy(inputs.dense[batch]))
    errors = torch.from_numpy(inputs.targets[batch])[:, :, None] - outputs
    quantiles = torch.tensor(QUANTILES)
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
