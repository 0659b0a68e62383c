"""Growing of the boosted trees with LightGBM: one model per feature, on one thread each, so that results repeat."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from core.side_by_side import side_by_side

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

    # LightGBM works outside of Python's lock; models side by side use the cores better than threads inside a model.
    return side_by_side(one, np.ascontiguousarray(targets.T), lambda done: on_grown())


def predict(boosters: list[Any], columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """What boosters predict, [n, k]."""
    return np.stack(side_by_side(lambda booster: booster.predict(columns, num_threads=1), boosters), axis=1)
