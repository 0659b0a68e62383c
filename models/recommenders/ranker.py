"""The ranker of M3: CatBoost on the columns of `stack_features`, common to all users or fine-tuned to one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from models.recommenders.stack_features import COLUMNS

#: Trees a user gets of their own, and how far each of them goes: on top of the community's ranker, whose order is
#: already good, they may only lean, and only where many examples or heavy ones agree; alone they have all to say.
USER_TREES = 50
USER_DEPTH = 4
USER_LEARNING_RATE, USER_L2_LEAF_REG = 0.01, 100.0
ALONE_LEARNING_RATE, ALONE_L2_LEAF_REG = 0.06, 10.0
# Borders that a column is cut at: fewer for one user, whose few rows have no more to say, in half the time.
_BORDERS, _USER_BORDERS = 128, 32


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """m examples."""

    columns: NDArray[np.float32]  #: [m, len(COLUMNS)]
    wanted: NDArray[np.bool_]  #: [m]
    weights: NDArray[np.float32]  #: [m], > 0.


@dataclass(frozen=True, slots=True)
class RankerOptions:
    """How the common ranker is grown; chosen on a split inside the training side of Last.fm."""

    trees: int = 300
    depth: int = 5
    learning_rate: float = 0.05
    l2_leaf_reg: float = 20.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """Scores are log odds of "wanted" among the candidates it was trained on: they order items, no more."""

    model: Any  #: catboost.CatBoost

    @classmethod
    def fit(cls, rows: TrainingRows, options: RankerOptions) -> Self:
        """Train from nothing, with one thread; the same on every run."""
        return cls(_grown(rows, options.trees, options.depth, options.learning_rate, options.l2_leaf_reg, options.seed))

    @classmethod
    def fine_tune(cls, base: Self | None, rows: TrainingRows, seed: int = 0) -> Self:
        """Add trees to `base` for the examples of one user; without a base the same trees are all there is."""
        if base is None:
            return cls(_grown(rows, USER_TREES, USER_DEPTH, ALONE_LEARNING_RATE, ALONE_L2_LEAF_REG, seed))
        return cls(_grown(rows, USER_TREES, USER_DEPTH, USER_LEARNING_RATE, USER_L2_LEAF_REG, seed, base.model))

    def predict(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores [m] of columns [m, len(COLUMNS)]."""
        if not len(columns):
            return np.empty(0, dtype=np.float32)
        raw = self.model.predict(columns, prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(raw, dtype=np.float32)

    def to_bytes(self) -> bytes:
        """A `.cbm` file; the names of the columns are in it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ranker.cbm"
            self.model.save_model(str(path))
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Self:
        """Read what `to_bytes` wrote; raises PermanentError user-model-corrupt, which names the file."""
        from catboost import CatBoost, CatBoostError

        model = CatBoost()
        try:
            model.load_model(blob=content)
        except CatBoostError as error:
            raise PermanentError("user-model-corrupt", f"{name} is no CatBoost model: {error}") from error
        if tuple(model.feature_names_) != COLUMNS:
            raise PermanentError(
                "user-model-corrupt", f"{name} was trained on other columns than this version computes; train it again."
            )
        return cls(model)


def _grown(
    rows: TrainingRows, trees: int, depth: int, rate: float, l2_leaf_reg: float, seed: int, base: Any = None
) -> Any:
    from catboost import CatBoost, Pool

    pool = Pool(rows.columns, rows.wanted.astype(np.int8), weight=rows.weights, feature_names=list(COLUMNS))
    model = CatBoost(
        {
            "loss_function": "Logloss",
            "iterations": trees,
            "depth": depth,
            "learning_rate": rate,
            "l2_leaf_reg": l2_leaf_reg,
            "border_count": _BORDERS if base is None else _USER_BORDERS,
            "random_seed": seed,
            "thread_count": 1,
            "allow_writing_files": False,
            "verbose": False,
        }
    )
    model.fit(pool, init_model=base)
    return model
