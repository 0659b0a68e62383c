"""Training without the extra `train` says how to install it, wherever the import happens."""

import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError, PermanentError
from core.tracks import TrackBatch
from models import registry
from models.registry import PREDICTORS, PredictorEntry, find_trainer
from models.training_data import ReferenceTable

NO_TABLE = ReferenceTable(
    Path("none"),
    TrackBatch(track_id=[], artist=[], title=[]),
    np.empty((0, 9), np.float32),
    np.empty(0, np.str_),
    np.empty(0, np.str_),
)


@pytest.fixture
def trainer_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes a predictor `toy` whose trainer lives in a module that a test writes."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PREDICTORS, "toy", PredictorEntry("toy_trainer:Toy", "toy_trainer:train"))
    monkeypatch.delitem(sys.modules, "toy_trainer", raising=False)
    return str(tmp_path / "toy_trainer.py")


def train(module: str, source: str) -> None:
    Path(module).write_text(source)
    find_trainer("toy")(NO_TABLE, lambda done, total: None)


@pytest.mark.parametrize("library", sorted(registry.TRAIN_LIBRARIES))
@pytest.mark.parametrize(
    "source",
    ["import {}\ndef train(table, on_progress): ...", "def train(table, on_progress):\n    import {}.sub"],
)
def test_a_missing_library_names_the_extra(
    trainer_module: str, monkeypatch: pytest.MonkeyPatch, library: str, source: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(library), *sys.meta_path])
    with pytest.raises(ConfigurationError, match="musicspace\\[train\\]") as caught:
        train(trainer_module, source.format(library))
    assert caught.value.code == "extra-missing"
    assert library in caught.value.message


def test_any_other_missing_module_is_a_bug(trainer_module: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        train(trainer_module, "import no_such_module")


def test_an_unknown_predictor_is_refused_before_anything_runs() -> None:
    with pytest.raises(PermanentError, match="m9"):
        find_trainer("m9")


class NotInstalled:
    """An importer that knows of one library only that it is not there."""

    def __init__(self, library: str) -> None:
        self.absent = library

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
