"""`musicspace tune neural`: what it prints, and how it refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from cli.tune import app
from core.errors import ConfigurationError, PermanentError
from core.features import FEATURES
from models.artifacts import Card, publish_artifact
from models.predictors.neural.options import TrainingOptions
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.training import train
from models.training_data import read_reference_table

QUICK = TrainingOptions(max_epochs=1, calibration_runs=1)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 tracks of random features, every other one jazz."""
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {
        "title": [f"Song {row}" for row in range(400)],
        "artist": [f"Band {row % 50}" for row in range(400)],
        "genres": [["vocal jazz"] if row % 2 else [] for row in range(400)],
        "fold": ["train"] * 300 + ["random-holdout"] * 50 + ["artist-holdout"] * 50,
    }
    features = {feature.name: rng.uniform(feature.low, feature.high, size=400) for feature in FEATURES}
    path = tmp_path_factory.mktemp("tables") / "table.parquet"
    pyarrow.parquet.write_table(pa.table(columns | features), path)
    return path


@pytest.fixture(scope="module")
def source(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small trained model."""
    trained = train(read_reference_table(table), lambda done, total: None, QUICK, checkpoints=None)
    root = tmp_path_factory.mktemp("models")
    publish_artifact(root, Card("neural", "1", "2026-01-01", "", {}, 300, ("energy",), {}, {}, {}), trained.write_files)
    return root


def arguments(table: Path, source: Path, out: Path, *more: str) -> list[str]:
    return ["neural", "--data", str(table), "--from", str(source), "--out", str(out), *more]


def test_it_publishes_a_model_adapted_to_a_genre(table: Path, source: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, arguments(table, source, tmp_path, "--genre", "jazz", "--json"))
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert NeuralPredictor.load(tmp_path).version == summary["version"]
    assert "MNE of eight before" in summary["sets"]["old holdouts"]


def test_it_prints_a_table_for_people(table: Path, source: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, arguments(table, source, tmp_path))
    assert result.exit_code == 0, result.output
    assert "old holdouts" in result.stdout
    assert "coverage" in result.stdout


def test_a_model_that_forgets_is_not_written(table: Path, source: Path, tmp_path: Path) -> None:
    columns = pyarrow.parquet.read_table(table).to_pydict()
    columns["energy"] = [1.0] * 400
    columns["valence"] = [0.0] * 400
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "other.parquet")
    out = tmp_path / "out"
    more = ("--reference", str(table), "--learning-rate", "0.1", "--epochs", "50")
    result = CliRunner().invoke(app, arguments(tmp_path / "other.parquet", source, out, *more))
    assert isinstance(result.exception, PermanentError)
    assert "old holdouts grew" in result.exception.message
    assert not out.exists()


def test_missing_training_libraries_are_told(
    table: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import models.predictors.neural

    monkeypatch.delitem(sys.modules, "models.predictors.neural.tuning", raising=False)
    monkeypatch.delattr(models.predictors.neural, "tuning", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = CliRunner().invoke(app, arguments(table, source, tmp_path))
    assert isinstance(result.exception, ConfigurationError)
    assert result.exception.code == "extra-missing"
    assert "torch" in result.exception.message
