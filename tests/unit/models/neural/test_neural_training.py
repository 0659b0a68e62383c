"""Training: the same bytes every time, from the training fold alone, through any interruption."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.errors import ConfigurationError, PermanentError
from models.predictors.neural import sentences, training
from models.predictors.neural.checkpoint import CheckpointFile, TrainingState
from models.predictors.neural.encoding import N_METADATA
from models.predictors.neural.export import heads_of, to_onnx, with_heads
from models.predictors.neural.loop import learning_rate, multi_task_loss
from models.predictors.neural.network import FUSED_WIDTH, FusionNetwork, NeuralNetwork, TableSizes
from models.predictors.neural.options import LOSS_WEIGHTS, TrainingOptions
from models.predictors.neural.runs import held_back_masks
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.training import train
from models.predictors.protocol import TrainedPredictor
from models.training_data import ReferenceTable


def write(trained: TrainedPredictor, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    trained.write_files(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ignore(done: int, total: int) -> None:
    """No progress wanted."""


def test_the_same_table_gives_the_same_bytes_from_the_training_fold_alone(
    reference_table: ReferenceTable, trained_neural: TrainedPredictor, quick: TrainingOptions, tmp_path: Path
) -> None:
    alone = train(reference_table.in_fold("train"), ignore, quick, checkpoints=None)
    assert write(alone, tmp_path / "alone") == write(trained_neural, tmp_path / "first")


@pytest.mark.parametrize("stop_at", [1, 2, 5, 8])
def test_an_interrupted_training_ends_with_the_same_bytes(
    reference_table: ReferenceTable,
    trained_neural: TrainedPredictor,
    quick: TrainingOptions,
    tmp_path: Path,
    stop_at: int,
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done >= stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(reference_table, interrupt, quick, tmp_path / "states")
    assert list((tmp_path / "states").rglob("*.npz"))
    calls: list[int] = []
    resumed = train(reference_table, lambda done, total: calls.append(done), quick, tmp_path / "states")
    assert min(calls) > stop_at
    assert write(resumed, tmp_path / "resumed") == write(trained_neural, tmp_path / "first")
    assert list((tmp_path / "states").rglob("*.npz")) == []


def test_another_training_ignores_the_state(tmp_path: Path) -> None:
    state = TrainingState({"epochs": 2, "errors": [0.5]}, {"network/x": np.arange(3)})
    CheckpointFile(tmp_path / "run.npz", "one").write(state)
    assert CheckpointFile(tmp_path / "run.npz", "other").read() is None
    read = CheckpointFile(tmp_path / "run.npz", "one").read()
    assert read is not None
    assert read.facts == state.facts
    np.testing.assert_array_equal(read.arrays["network/x"], [0, 1, 2])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive at all"])
def test_a_damaged_state_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.npz").write_bytes(content)
    assert CheckpointFile(tmp_path / "run.npz", "one").read() is None


def test_a_state_holds_no_pickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", facts=np.array([{"epochs": 1}], dtype=object))
    assert CheckpointFile(tmp_path / "run.npz", "one").read() is None


def test_a_state_that_cannot_be_kept_is_no_reason_to_fail(
    reference_table: ReferenceTable, quick: TrainingOptions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    train(reference_table, ignore, quick, tmp_path / "file" / "states")
    assert "cannot be resumed" in caplog.text


def test_progress_grows_to_its_end(reference_table: ReferenceTable, quick: TrainingOptions) -> None:
    calls: list[tuple[int, int]] = []
    train(reference_table, lambda done, total: calls.append((done, total)), quick, checkpoints=None)
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert calls[-1] == (9, 9)


def test_too_few_tracks_are_refused(reference_table: ReferenceTable) -> None:
    few = reference_table.select(np.arange(len(reference_table)) < 99)
    with pytest.raises(PermanentError, match="99 rows"):
        train(few, ignore)


def test_moods_are_learned_where_a_table_has_them(reference_table: ReferenceTable, quick: TrainingOptions) -> None:
    moody = reference_table.select(np.ones(len(reference_table), dtype=np.bool_))
    moody.tracks.moods = [["Calm"] if row % 2 else ["wild", "loud"] for row in range(len(moody))]
    trained = train(moody, ignore, quick, checkpoints=None)
    assert trained.parameters["moods"] == 3
    predictor = trained.predictor
    assert isinstance(predictor, NeuralPredictor)
    one = moody.tracks.take([0])
    calm = moody.tracks.take([0])
    calm.moods = [["calm"]]
    assert (predictor.predict(one).values != predictor.predict(calm).values).any()


def test_a_table_without_moods_says_so(trained_neural: TrainedPredictor) -> None:
    assert "passed over" in trained_neural.parameters["moods"]


def test_the_card_tells_size_speed_and_error_of_both_variants(trained_neural: TrainedPredictor) -> None:
    variants = trained_neural.parameters["variants"]
    assert variants["int8"]["bytes"] < 0.6 * variants["full"]["bytes"]
    for figures in variants.values():
        assert figures["tracks per second"] > 0
        assert 0 < figures["MNE of eight, random-holdout"] < 1


def test_an_absolute_loss_is_an_option(reference_table: ReferenceTable, quick: TrainingOptions) -> None:
    trained = train(reference_table, ignore, replace(quick, loss="l1"), checkpoints=None)
    assert trained.parameters["options"]["loss"] == "l1"
    assert np.isfinite(trained.predictor.predict(reference_table.tracks).values).all()


def test_held_back_tracks_are_whole_artists_and_others() -> None:
    artists = [f"artist {number % 200}" + (";guest" if number % 3 else "") for number in range(2_000)]
    masks = held_back_masks(artists, TrainingOptions())
    first = np.array([name.partition(";")[0] for name in artists])
    whole = [{name for name in set(first) if mask[first == name].all()} for mask in masks]
    assert all(len(names) == 20 for names in whole)
    assert whole[0].isdisjoint(whole[1])
    assert all(0.15 < mask.mean() < 0.25 for mask in masks)


def test_a_table_of_one_artist_still_trains_on_most_of_it() -> None:
    assert all(mask.mean() < 0.5 for mask in held_back_masks(["one"] * 200, TrainingOptions()))


def test_the_branches_are_as_wide_as_specified() -> None:
    network = NeuralNetwork(TableSizes(10, 4, 3))
    assert FUSED_WIDTH == 384 + 64 + 32 + 32
    widths = [(layer.in_features, layer.out_features) for layer in (network.fusion.hidden, network.fusion.trunk)]
    assert widths == [(512, 256), (256, 128)]
    assert network.fusion.text.out_features == 384
    assert network.fusion.metadata.in_features == N_METADATA
    assert network.fusion.dropout.p == 0.3


def test_the_rate_falls_along_a_cosine() -> None:
    options = TrainingOptions(max_epochs=10)
    rates = [learning_rate(epoch, options) for epoch in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[10]) == (pytest.approx(1e-3), pytest.approx(1e-4))
    assert rates[5] == pytest.approx((1e-3 + 1e-4) / 2)


def test_the_loss_weighs_features_as_specified() -> None:
    targets = torch.zeros(1, 9)
    of_liveness, of_energy = targets.clone(), targets.clone()
    of_liveness[0, 5], of_energy[0, 1] = 0.3, 0.3
    ratio = multi_task_loss(of_liveness, targets, "mse") / multi_task_loss(of_energy, targets, "mse")
    assert float(ratio) == pytest.approx(LOSS_WEIGHTS["liveness"] / LOSS_WEIGHTS["energy"])
    assert LOSS_WEIGHTS["tempo"] == LOSS_WEIGHTS["danceability"] == 1.2
    assert LOSS_WEIGHTS["acousticness"] == LOSS_WEIGHTS["instrumentalness"] == 1.5
    assert LOSS_WEIGHTS["speechiness"] == 2.0


class FakeSentenceTransformer:
    """Stands in for `sentence_transformers.SentenceTransformer`: 16 numbers that follow from the letters."""

    def __init__(self, name: str, device: str, model_kwargs: dict[str, bool]) -> None:
        if name == "broken":
            raise OSError("no such model")
        assert (device, model_kwargs) == ("cpu", {"use_safetensors": True})

    def encode(self, texts: list[str], show_progress_bar: bool, convert_to_numpy: bool) -> np.ndarray:
        return np.array([[text.count(letter) for letter in "abcdeghilmnorstu"] for text in texts], dtype=np.float32)


@pytest.fixture
def fake_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sentences.load_sentence_encoder.cache_clear()
    package = SimpleNamespace(SentenceTransformer=FakeSentenceTransformer)
    monkeypatch.setattr(sentences, "import_module", lambda name: package)
    yield
    sentences.load_sentence_encoder.cache_clear()


def test_a_sentence_encoder_can_read_the_text(
    fake_package: None, reference_table: ReferenceTable, quick: TrainingOptions, tmp_path: Path
) -> None:
    trained = train(reference_table, ignore, replace(quick, sentence_encoder="tiny"), checkpoints=None)
    assert trained.parameters["text_encoder"] == "tiny"
    assert trained.parameters["options"]["sentence_encoder"] == "tiny"
    predictor = trained.predictor
    assert isinstance(predictor, NeuralPredictor)
    tracks = reference_table.tracks.take([0, 1])
    renamed = reference_table.tracks.take([0, 1])
    renamed.title = ["another title", *renamed.title[1:]]
    before, after = predictor.predict(tracks).values, predictor.predict(renamed).values
    assert (before[0] != after[0]).any()
    np.testing.assert_array_equal(before[1], after[1])


def test_a_missing_package_is_told(reference_table: ReferenceTable, quick: TrainingOptions) -> None:
    sentences.load_sentence_encoder.cache_clear()
    with pytest.raises(ConfigurationError, match="pip install sentence-transformers") as caught:
        train(reference_table, ignore, replace(quick, sentence_encoder="tiny"), checkpoints=None)
    assert caught.value.code == "invalid-settings"


def test_an_unknown_encoder_is_told(fake_package: None) -> None:
    with pytest.raises(ConfigurationError, match="broken"):
        sentences.load_sentence_encoder("broken")


def test_an_export_that_differs_from_torch_is_not_shipped(
    reference_table: ReferenceTable, quick: TrainingOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_other_heads(network: FusionNetwork) -> bytes:
        content = to_onnx(network)
        weight, bias = heads_of(content)
        return with_heads(content, weight, bias + 0.1)

    monkeypatch.setattr(training, "to_onnx", with_other_heads)
    with pytest.raises(AssertionError, match="differs from torch"):
        train(reference_table, ignore, quick, checkpoints=None)
