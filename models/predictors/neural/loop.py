"""One training: AdamW with cosine annealing, early stopping, and a checkpoint after every epoch.

Everything random is drawn from generators seeded by run and epoch, so a checkpoint need not hold their state, and a
training that was interrupted ends with the very weights of one that was not. Train within `single_thread`, for the
same reason.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.features import FEATURE_NAMES
from models.evaluation import normalized_errors
from models.predictors.neural.bags import Bags
from models.predictors.neural.checkpoint import CheckpointFile, TrainingState
from models.predictors.neural.examples import Examples
from models.predictors.neural.network import NeuralNetwork, TableSizes, TorchBags
from models.predictors.neural.options import LOSS_SCALES, LOSS_WEIGHTS, TrainingOptions
from models.predictors.protocol import clip_to_ranges

_WEIGHTS = torch.tensor([LOSS_WEIGHTS[name] for name in FEATURE_NAMES])
_SCALES = torch.tensor([LOSS_SCALES[name] for name in FEATURE_NAMES])
_EVALUATION_BATCH = 2_048


@dataclass(slots=True)
class History:
    """How a training went; JSON values."""

    epochs: int = 0
    best_epoch: int = 0
    best_error: float = math.inf
    errors: list[float] = field(default_factory=list)  #: Validation error of each epoch; empty without validation

    def record(self, error: float) -> bool:
        """Note an epoch's validation error and tell whether it is the best yet."""
        self.errors.append(error)
        if error >= self.best_error:
            return False
        self.best_error, self.best_epoch = error, self.epochs
        return True


@dataclass(frozen=True, slots=True)
class Run:
    """What one training learns from, and for how long."""

    number: int  #: Seeds the run, with `options.seed`
    fit: Examples
    validation: Examples | None  #: Early stopping looks at it; without it all `epochs` are trained
    epochs: int  #: At most


class Trainer:
    """Trains one network; `train` may be called again after an interruption, with a new object."""

    def __init__(
        self, run: Run, sizes: TableSizes, options: TrainingOptions, checkpoint: CheckpointFile | None = None
    ) -> None:
        self.run, self.options, self.checkpoint = run, options, checkpoint
        self.history = History()
        torch.manual_seed(self._seed(0))
        self.network = NeuralNetwork(sizes)
        self.network.fusion.start_at(run.fit.targets.mean(axis=0))
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        self._best: dict[str, Tensor] = {}
        self._restore()

    def train(self, on_epoch: Callable[[int], None]) -> NeuralNetwork:
        """Train, or go on training, and return the network of the best epoch, or of the last without validation."""
        while not self._finished():
            self._epoch()
            self._save()
            on_epoch(self.history.epochs)
        if self._best:
            self.network.load_state_dict(self._best)
        return self.network.eval()

    def _finished(self) -> bool:
        history, patience = self.history, self.options.patience
        stale = self.run.validation is not None and history.epochs - history.best_epoch >= patience
        return history.epochs >= self.run.epochs or (stale and history.epochs > 0)

    def _epoch(self) -> None:
        epoch = self.history.epochs + 1
        rng = np.random.default_rng((self.options.seed, self.run.number, epoch))
        torch.manual_seed(self._seed(epoch))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(epoch - 1, self.options)
        self.network.train()
        for batch in self.run.fit.shuffled_batches(self.options, rng):
            self._step(batch)
        self.history.epochs = epoch
        if self.run.validation is not None and self.history.record(self._validation_error(self.run.validation)):
            self._best = copy.deepcopy(self.network.state_dict())

    def _step(self, batch: Examples) -> None:
        self._optimizer.zero_grad()
        loss = multi_task_loss(apply(self.network, batch), torch.from_numpy(batch.targets), self.options.loss)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self._optimizer.step()

    def _validation_error(self, examples: Examples) -> float:
        """Mean normalized error of all nine features: what the predictor is judged by, in the end."""
        values = clip_to_ranges(outputs(self.network, examples))
        return float(normalized_errors(values, examples.targets).mean())

    def _seed(self, epoch: int) -> int:
        return int(np.random.SeedSequence((self.options.seed, self.run.number, epoch)).generate_state(1)[0])

    def _save(self) -> None:
        if self.checkpoint is not None:
            history = self.history
            facts = {name: getattr(history, name) for name in ("epochs", "best_epoch", "errors")}
            arrays = _prefixed("network", self.network.state_dict()) | _prefixed("best", self._best)
            for number, state in self._optimizer.state_dict()["state"].items():
                arrays |= _prefixed(f"optimizer.{number}", state)
            self.checkpoint.write(TrainingState(facts, arrays))

    def _restore(self) -> None:
        state = self.checkpoint.read() if self.checkpoint is not None else None
        if state is None:
            return
        errors = list(state.facts["errors"])
        self.history = History(state.facts["epochs"], state.facts["best_epoch"], min(errors, default=math.inf), errors)
        self.network.load_state_dict(_under("network", state.arrays))
        self._best = _under("best", state.arrays)
        optimizer = self._optimizer.state_dict()
        for number in range(len(list(self.network.parameters()))):
            optimizer["state"][number] = _under(f"optimizer.{number}", state.arrays)
        self._optimizer.load_state_dict(optimizer)


def learning_rate(epoch: int, options: TrainingOptions) -> float:
    """Cosine annealing (Loshchilov and Hutter, 2017) from the first of `max_epochs` epochs, counted from 0."""
    share = (1 + math.cos(math.pi * epoch / options.max_epochs)) / 2
    return options.final_learning_rate + (options.learning_rate - options.final_learning_rate) * share


def multi_task_loss(values: Tensor, targets: Tensor, kind: str) -> Tensor:
    """Weighted mean over [n, 9] of squared (or absolute) errors, each divided by the scale of its feature."""
    errors = (values - targets) / _SCALES
    return ((errors.square() if kind == "mse" else errors.abs()) * _WEIGHTS).mean()


def apply(network: NeuralNetwork, batch: Examples) -> Tensor:
    """Features [n, 9] of the tracks of a batch."""
    tracks = batch.tracks
    text = (
        (_torch_bags(tracks.names), _torch_bags(tracks.words), _torch_bags(tracks.grams))
        if batch.sentences is None
        else torch.from_numpy(batch.sentences)
    )
    features: Tensor = network(
        text, _torch_bags(tracks.genres), _torch_bags(tracks.moods), torch.from_numpy(tracks.metadata)
    )
    return features


def outputs(network: NeuralNetwork, examples: Examples) -> NDArray[np.float32]:
    """Features [n, 9] of all examples, without dropout, not clipped."""
    network.eval()
    with torch.no_grad():
        return np.concatenate([apply(network, batch).numpy() for batch in examples.batches(_EVALUATION_BATCH)])


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread of torch: sums in another order would give other weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _torch_bags(bags: Bags) -> TorchBags:
    return torch.from_numpy(bags.rows), torch.from_numpy(bags.starts)


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {f"{prefix}/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _under(prefix: str, arrays: Any) -> dict[str, Tensor]:
    """The inverse of `_prefixed` for one prefix."""
    start = f"{prefix}/"
    chosen = {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
    return {name: torch.from_numpy(array.copy()) for name, array in chosen.items()}
