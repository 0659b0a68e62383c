"""Continual learning: heads learn from new tracks, and a model that forgot is not published."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import PermanentError
from models.artifacts import Card, load_artifact, publish_artifact
from models.predictors.neural.export import heads_of
from models.predictors.neural.parts import VARIANTS
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.tuning import ForgettingError, TuningOptions, tune, tune_artifact
from models.predictors.protocol import TrainedPredictor
from models.training_data import ReferenceTable

FREE = TuningOptions(epochs=10, learning_rate=1e-2, tolerance=10.0)


def ignore(done: int, total: int) -> None:
    """No progress wanted."""


@pytest.fixture
def shifted(reference_table: ReferenceTable) -> ReferenceTable:
    """The same tracks in a world where every share is larger."""
    targets = reference_table.targets.copy()
    targets[:, :7] = np.clip(targets[:, :7] + 0.45, 0, 1)
    return replace(reference_table, targets=targets)


@pytest.fixture
def source(trained_neural: TrainedPredictor, tmp_path: Path) -> Path:
    card = Card("neural", "1", "2026-01-01", "A network.", {"file": "x"}, 500, ("energy",), {}, {}, {})
    publish_artifact(tmp_path / "source", card, trained_neural.write_files)
    return tmp_path / "source"


def test_new_tracks_are_predicted_better(
    neural: NeuralPredictor, shifted: ReferenceTable, reference_table: ReferenceTable
) -> None:
    result = tune(neural.parts, shifted, reference_table, ignore, FREE)
    assert result.after["new tracks held back"] < result.before["new tracks held back"] - 0.01
    assert result.after["new random-holdout"] < result.before["new random-holdout"] - 0.01


def test_only_the_heads_change(
    neural: NeuralPredictor, shifted: ReferenceTable, reference_table: ReferenceTable
) -> None:
    tuned = tune(neural.parts, shifted, reference_table, ignore, FREE).predictor.parts
    for variant in VARIANTS:
        before, after = neural.parts.networks[variant], tuned.networks[variant]
        assert before.tables is after.tables
        assert len(before.onnx) == len(after.onnx)
        assert (heads_of(before.onnx)[0] != heads_of(after.onnx)[0]).any()
    np.testing.assert_array_equal(heads_of(tuned.networks["full"].onnx)[0], heads_of(tuned.networks["int8"].onnx)[0])


def test_forgetting_is_refused_and_nothing_is_published(
    source: Path, shifted: ReferenceTable, reference_table: ReferenceTable, tmp_path: Path
) -> None:
    strict = replace(FREE, tolerance=0.0)
    with pytest.raises(ForgettingError, match="old holdouts grew"):
        tune_artifact(source, shifted, reference_table, tmp_path / "out", ignore, strict)
    assert not (tmp_path / "out").exists()


def test_a_tuned_artifact_loads_and_its_card_tells_the_story(
    source: Path, shifted: ReferenceTable, reference_table: ReferenceTable, tmp_path: Path
) -> None:
    card, result = tune_artifact(source, shifted, reference_table, tmp_path / "out", ignore, FREE)
    loaded = NeuralPredictor.load(tmp_path / "out")
    tracks = reference_table.tracks
    np.testing.assert_array_equal(loaded.predict(tracks).values, result.predictor.predict(tracks).values)
    assert loaded.version == card.version != load_artifact(source, "neural").card.version
    assert set(card.metrics["old holdouts"]) >= {"MNE of eight before", "MNE of eight after"}
    assert card.parameters["tuning"]["started from"].startswith("1-")
    assert set(card.data) == {"first training", "tuning"}


def test_tuning_adapts_to_one_genre(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    options = replace(FREE, genre="Indie", epochs=1)
    genres = [["k indie", "other"] if row % 2 else ["folk"] for row in range(len(reference_table))]
    table = reference_table.select(np.ones(len(reference_table), dtype=np.bool_))
    table.tracks.genres = genres
    result = tune(neural.parts, table, reference_table, ignore, options)
    assert result.rows == 250


def test_too_few_tracks_of_a_genre_are_refused(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    with pytest.raises(PermanentError, match="'polka'"):
        tune(neural.parts, reference_table, reference_table, ignore, TuningOptions(genre="polka"))


def test_a_reference_without_holdouts_is_refused(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    with pytest.raises(PermanentError, match="holdout"):
        tune(neural.parts, reference_table, reference_table.in_fold("train"), ignore)


def test_intervals_widen_where_new_tracks_are_harder(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    rng = np.random.default_rng(0)
    targets = reference_table.targets.copy()
    targets[:, 1] = rng.uniform(size=len(targets))
    noisy = replace(reference_table, targets=targets)
    result = tune(neural.parts, noisy, reference_table, ignore, replace(FREE, epochs=1))
    assert result.widened[1] > 1.1
    assert min(result.widened) >= 1.0
    held_back = result.coverage["new tracks held back"]
    assert held_back > 0.78


def test_tuning_twice_gives_the_same(
    neural: NeuralPredictor, shifted: ReferenceTable, reference_table: ReferenceTable
) -> None:
    first, second = (tune(neural.parts, shifted, reference_table, ignore, FREE).predictor for _ in range(2))
    assert first.parts.networks["full"].onnx == second.parts.networks["full"].onnx
