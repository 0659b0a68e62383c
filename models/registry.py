"""Predictors by name. Nothing is imported for a name until it is asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from core.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from models.predictors.protocol import FeaturePredictor, OnProgress, TrainedPredictor
    from models.training_data import ReferenceTable


@dataclass(frozen=True, slots=True)
class PredictorEntry:
    """Where the two halves of a predictor live, as "module:attribute"."""

    loader: str  #: A class with `load(artifacts_dir) -> FeaturePredictor`.
    trainer: str  #: A function `(table, on_progress) -> TrainedPredictor`.


PREDICTORS: dict[str, PredictorEntry] = {
    "blend": PredictorEntry("models.predictors.blend.runtime:BlendPredictor", "models.predictors.blend.training:train"),
    "m1": PredictorEntry("models.predictors.ridge:RidgePredictor", "models.predictors.ridge_training:train"),
    "m2": PredictorEntry("models.predictors.boosting:M2Predictor", "models.predictors.boosting_training:train"),
    "m2-gbr": PredictorEntry(
        "models.predictors.boosting:M2GbrPredictor", "models.predictors.boosting_training:train_gbr"
    ),
    "neural": PredictorEntry(
        "models.predictors.neural.runtime:NeuralPredictor", "models.predictors.neural.training:train"
    ),
}


#: What the extra `train` installs; serving needs none of it.
TRAIN_LIBRARIES = frozenset({"lightgbm", "matplotlib", "mlflow", "onnx", "torch"})


class _Loader(Protocol):
    def load(self, artifacts_dir: Path) -> "FeaturePredictor": ...


def load_predictor(name: str, artifacts_dir: Path | None = None) -> "FeaturePredictor":
    """Load a trained predictor.

    Parameters
    ----------
    name
        A key of `PREDICTORS`.
    artifacts_dir
        Folder of the trained models; those shipped with MusicSpace where `None`.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no predictor of that name.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: its artifact cannot be used.
    """
    loader = cast("_Loader", _resolve(_entry(name).loader))
    return loader.load(artifacts_dir or shipped_artifacts())


def find_trainer(name: str) -> "Callable[[ReferenceTable, OnProgress], TrainedPredictor]":
    """The function that trains the predictor `name`; raises as `load_predictor` does for an unknown one.

    It raises `ConfigurationError` (`extra-missing`) where a library that only training needs is not installed.
    """
    target = _entry(name).trainer

    def train(table: "ReferenceTable", on_progress: "OnProgress") -> "TrainedPredictor":
        # Trainers may import such libraries when they run, hence around both.
        with train_extra(name):
            trainer = cast("Callable[[ReferenceTable, OnProgress], TrainedPredictor]", _resolve(target))
            return trainer(table, on_progress)

    return train


@contextmanager
def train_extra(name: str) -> Iterator[None]:
    """Tell of a library that only training needs, where it is missing: `ConfigurationError` (`extra-missing`)."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in TRAIN_LIBRARIES:
            raise
        raise ConfigurationError(
            "extra-missing", f"Training {name} needs {library}. Run `pip install 'musicspace[train]'`."
        ) from None


def require_predictor(name: str) -> None:
    """Raise `PermanentError` (`invalid-option`) unless there is a predictor of that name."""
    _entry(name)


def shipped_artifacts() -> Path:
    """Folder of the trained models that ship with MusicSpace."""
    from models.artifacts import SHIPPED_ARTIFACTS

    return SHIPPED_ARTIFACTS


def _entry(name: str) -> PredictorEntry:
    try:
        return PREDICTORS[name]
    except KeyError:
        known = ", ".join(sorted(PREDICTORS))
        raise PermanentError("invalid-option", f"There is no predictor {name!r}. Known ones: {known}.") from None


def _resolve(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
