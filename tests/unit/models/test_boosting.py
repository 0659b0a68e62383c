"""M2 at inference and in training, on the small synthetic table."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError, PermanentError
from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import Card, publish_artifact
from models.predictors.boosting import BoostingModel, BoostingPredictor, M2GbrPredictor, M2Predictor
from models.predictors.boosting_inputs import BoostingInputs
from models.predictors.boosting_training import CV_FOLDS, fit_inputs, train, train_gbr
from models.predictors.protocol import OnProgress, TrainedPredictor
from models.training_data import ReferenceTable

TRAINERS = {M2Predictor: train, M2GbrPredictor: train_gbr}


@pytest.fixture(scope="module", params=TRAINERS, ids=lambda predictor: predictor.name)
def kind(request: pytest.FixtureRequest) -> type[BoostingPredictor]:
    return request.param


@pytest.fixture(scope="module")
def calls() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def trained(kind: type[BoostingPredictor], reference_table: ReferenceTable, calls: list) -> TrainedPredictor:
    calls.clear()
    return TRAINERS[kind](reference_table, lambda done, total: calls.append((done, total)))


@pytest.fixture(scope="module")
def inputs(reference_table: ReferenceTable) -> BoostingInputs:
    return fit_inputs(reference_table.in_fold("train").tracks)


def no_progress(done: int, total: int) -> None:
    pass


def write(trained: TrainedPredictor, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    trained.write_files(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(*pairs: tuple[str, str]) -> TrackBatch:
    ids = [str(row) for row in range(len(pairs))]
    return TrackBatch(ids, [artist for artist, _ in pairs], [title for _, title in pairs])


def test_columns_are_artist_then_title(inputs: BoostingInputs) -> None:
    encoded = inputs.encode(names(("Iron Choir", "Unheard"), ("Unheard", "Song 7"), ("", "")))
    dense = encoded.dense()
    assert dense.shape == (3, inputs.n_columns)
    artist, title = np.hsplit(dense, [len(inputs.artist)])
    assert np.linalg.norm(artist, axis=1) == pytest.approx([1, 0, 0])
    assert np.linalg.norm(title, axis=1) == pytest.approx([0, 1, 0])


def test_strata_tell_what_is_known(inputs: BoostingInputs) -> None:
    tracks = names(
        ("?", "?"), ("Iron", "?"), ("?", "Song"), ("Iron", "Song"), (" iron choir;?", "?"), ("?;Iron Choir", "?")
    )
    assert inputs.encode(tracks).strata.tolist() == [0, 1, 2, 3, 5, 1]
    assert inputs.encode(TrackBatch()).dense().shape == (0, inputs.n_columns)


def test_it_learns_what_artists_sound_like(trained: TrainedPredictor, reference_table: ReferenceTable) -> None:
    holdout = reference_table.in_fold("random-holdout")
    mean = reference_table.in_fold("train").targets.mean(axis=0)
    own = np.abs(trained.predictor.predict(holdout.tracks).values - holdout.targets).mean(axis=0)
    assert (own < 0.9 * np.abs(mean - holdout.targets).mean(axis=0)).all()


def test_nothing_but_artist_and_title_is_read(trained: TrainedPredictor, reference_table: ReferenceTable) -> None:
    tracks = reference_table.tracks
    alone = TrackBatch(tracks.track_id, tracks.artist, tracks.title)
    np.testing.assert_array_equal(trained.predictor.predict(alone).values, trained.predictor.predict(tracks).values)


def test_the_published_artifact_predicts_the_same(
    trained: TrainedPredictor, kind: type[BoostingPredictor], reference_table: ReferenceTable, tmp_path: Path
) -> None:
    card = Card(kind.name, "1", "2026-01-01", "", {}, 500, (), {}, {}, {})
    published = publish_artifact(tmp_path, card, trained.write_files)
    loaded = kind.load(tmp_path)
    assert (loaded.name, loaded.version) == (kind.name, published.version)
    expected, got = (predictor.predict(reference_table.tracks) for predictor in (trained.predictor, loaded))
    np.testing.assert_array_equal(got.values, expected.values)
    np.testing.assert_array_equal(got.uncertainty, expected.uncertainty)


def test_training_depends_on_the_training_fold_alone_and_repeats_on_any_number_of_cores(
    trained: TrainedPredictor,
    kind: type[BoostingPredictor],
    reference_table: ReferenceTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.side_by_side.os.cpu_count", lambda: 3)
    again = TRAINERS[kind](reference_table.in_fold("train"), no_progress)
    assert write(again, tmp_path / "again") == write(trained, tmp_path / "first")


def test_progress_counts_every_model(trained: TrainedPredictor, calls: list[tuple[int, int]]) -> None:
    total = N_FEATURES * (2 * CV_FOLDS + 1)
    assert calls == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("trainer", TRAINERS.values())
def test_too_few_tracks_are_refused_by_m2(trainer: OnProgress, reference_table: ReferenceTable) -> None:
    few = reference_table.select(np.arange(len(reference_table)) < 99)
    with pytest.raises(PermanentError, match="99 rows"):
        trainer(few, no_progress)


def test_trees_that_are_none_are_a_corrupt_artifact(trained: TrainedPredictor, kind: type[BoostingPredictor]) -> None:
    predictor = trained.predictor
    assert isinstance(predictor, BoostingPredictor)
    broken = BoostingModel(predictor.inputs, b"no trees", predictor.intervals)
    with pytest.raises(ConfigurationError, match=f"the trees of {kind.name}") as caught:
        kind(broken, "1")
    assert caught.value.code == "artifact-corrupt"


def test_inference_loads_no_library_that_trains() -> None:
    script = (
        "import sys, models.predictors.boosting as m;"
        "print(*[n for n in ('lightgbm', 'sklearn', 'scipy', 'onnx') if n in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split() == []
    )
