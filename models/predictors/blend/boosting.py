"""Growing of the boosted trees with LightGBM: one model per feature, on one thread each, so that results repeat."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

_COMMON = {
    "subsample": 0.7,
    "subsample_freq": 1,
    "colsample_bytree": 0.3,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
    "seed": 42,
}


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    objective: str
    trees: int
    leaves: int
    learning_rate: float
    min_leaf: int
    quantile: float = 0.5

    def parameters(self) -> dict[str, Any]:
        """In LightGBM's words."""
        return _COMMON | {
            "objective": self.objective,
            "alpha": self.quantile,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_child_samples": self.min_leaf,
        }


def grow(
    columns: NDArray[np.float32],
    targets: NDArray[np.float64],
    weights: NDArray[np.float32],
    growth: Growth,
    on_grown: Callable[[], None],
) -> list[Any]:
    """One booster for each of the k targets, from columns [n, c], targets [n, k] and weights [n].

    `on_grown` is called, from the calling thread, as each model is finished.
    """

    def one(target: NDArray[np.float64]) -> Any:
        data = lightgbm.Dataset(columns, target, weight=weights, params={"max_bin": _COMMON["max_bin"], "verbose": -1})
        return lightgbm.train(growth.parameters(), data, growth.trees)

    boosters = []
    # LightGBM works outside of Python's lock; models side by side use the cores better than threads inside a model.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for booster in pool.map(one, np.ascontiguousarray(targets.T)):
            boosters.append(booster)
            on_grown()
    return boosters


def predict(boosters: list[Any], columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """What boosters predict, [n, k]."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(lambda booster: booster.predict(columns, num_threads=1), boosters)), axis=1)
