"""The CLAP embedder on a tiny checkpoint, loaded by the code that loads real ones."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_clap import save_tiny_clap

from core.audio_settings import EmbedSettings
from core.errors import ConfigurationError, RetryableError
from models.clap.embedder import ClapEmbedder
from models.clap.loading import load_clap

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> ClapEmbedder:
    return load_clap(EmbedSettings(clap_checkpoint=str(folder), device="cpu"))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE_HZ)).astype(np.float32)


def sweep(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * (100 + 200 * t) * t)).astype(np.float32)


def test_audio_and_text_are_unit_vectors_of_one_space(embedder: ClapEmbedder) -> None:
    audio = embedder.embed([embedder.prepare(noise(10)), embedder.prepare(sweep(10))])
    text = embedder.embed_text(["slow piano", "슬픈 발라드 " * 100, ""])
    assert audio.dtype == text.dtype == np.float32
    assert audio.shape == (2, embedder.dimensions)
    assert text.shape == (3, embedder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(np.vstack([audio, text]), axis=1), 1, atol=1e-5)
    assert not np.allclose(audio[0], audio[1], atol=1e-3)


def test_nothing_to_embed(embedder: ClapEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimensions)
    assert embedder.embed_text([]).shape == (0, embedder.dimensions)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("seconds", [10, 7.3, 2.1])
def test_vectors_are_those_of_the_library(tmp_path: Path, fused: bool, seconds: float) -> None:
    folder = save_tiny_clap(tmp_path / "clap", fused=fused)
    embedder = load_clap(EmbedSettings(clap_checkpoint=str(folder), device="cpu"))
    y = noise(seconds) * np.linspace(0, 1, round(seconds * RATE_HZ), dtype=np.float32)
    extractor = transformers.ClapFeatureExtractor.from_pretrained(folder)
    inputs = extractor(y, sampling_rate=RATE_HZ, return_tensors="pt")
    # The library marks one window of every batch as longer than it is, at random.
    inputs["is_longer"] = torch.zeros_like(inputs["is_longer"])
    model = transformers.ClapModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = model.get_audio_features(**inputs).pooler_output.numpy()
    np.testing.assert_allclose(embedder.prepare(y), inputs["input_features"][0], atol=0.01)
    np.testing.assert_allclose(embedder.embed([embedder.prepare(y)]), expected, atol=1e-4)


def test_longer_audio_is_cut_the_same_way_every_time(embedder: ClapEmbedder) -> None:
    y = noise(13)
    np.testing.assert_array_equal(embedder.prepare(y), embedder.prepare(y[: 10 * RATE_HZ]))


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros(RATE_HZ), np.ones(RATE_HZ), np.full(600, 1e-30)])
def test_silence_has_a_vector(embedder: ClapEmbedder, y: np.ndarray) -> None:
    assert np.isfinite(embedder.embed([embedder.prepare(y.astype(np.float32))])).all()


def test_neighbors_in_a_batch_do_not_matter(embedder: ClapEmbedder) -> None:
    windows = [embedder.prepare(noise(10, seed)) for seed in range(9)]
    together = embedder.embed(windows)
    alone = np.vstack([embedder.embed([window]) for window in windows])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_array_equal(together, embedder.embed(windows))


def test_bfloat16_stays_close(folder: Path, embedder: ClapEmbedder) -> None:
    half = load_clap(EmbedSettings(clap_checkpoint=str(folder), device="cpu", dtype="bfloat16"))
    windows = [embedder.prepare(noise(10)), embedder.prepare(sweep(4))]
    cosines = (half.embed(windows) * embedder.embed(windows)).sum(axis=1)
    assert (cosines > 0.999).all()
    assert half.space == embedder.space


def test_two_checkpoints_are_two_spaces(tmp_path: Path, folder: Path, embedder: ClapEmbedder) -> None:
    other = save_tiny_clap(tmp_path / "tiny", seed=1)
    spaces = {load_clap(EmbedSettings(clap_checkpoint=str(path), device="cpu")).space for path in (other, folder)}
    assert len(spaces) == 2
    assert embedder.space in spaces
    assert all(space.startswith("clap:tiny@") for space in spaces)


def test_preparation_travels_to_other_processes(embedder: ClapEmbedder) -> None:
    prepare = pickle.loads(pickle.dumps(embedder.prepare))
    np.testing.assert_array_equal(prepare(noise(3)), embedder.prepare(noise(3)))


class SmallMemory(torch.nn.Module):
    """A model that has memory for so many windows, and remembers the batches that it saw."""

    def __init__(self, model: Any, windows: int) -> None:
        super().__init__()
        self.model = model
        self.config = model.config
        self.windows = windows
        self.batches: list[int] = []

    def get_audio_features(self, input_features: Any) -> Any:
        self.batches.append(len(input_features))
        if len(input_features) > self.windows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.model.get_audio_features(input_features=input_features)


def with_memory_for(folder: Path, embedder: ClapEmbedder, windows: int) -> tuple[ClapEmbedder, SmallMemory]:
    model = SmallMemory(transformers.ClapModel.from_pretrained(folder), windows)
    device, dtype = torch.device("cpu"), torch.float32
    small = ClapEmbedder(
        model, embedder.prepare, space="x", device=device, dtype=dtype, batch_size=8, tokenizer=SimpleNamespace
    )
    return small, model


def test_out_of_memory_halves_the_batch_for_good(folder: Path, embedder: ClapEmbedder) -> None:
    windows = [embedder.prepare(noise(10, seed)) for seed in range(10)]
    small, model = with_memory_for(folder, embedder, windows=3)
    np.testing.assert_allclose(small.embed(windows), embedder.embed(windows), atol=1e-5)
    assert model.batches == [8, 4, 2, 2, 2, 2, 2]
    assert small.batch_size == 2
    small.embed(windows[:3])
    assert model.batches[-2:] == [2, 1]


def test_out_of_memory_for_a_single_window(folder: Path, embedder: ClapEmbedder) -> None:
    small, _ = with_memory_for(folder, embedder, windows=0)
    with pytest.raises(RetryableError) as caught:
        small.embed([embedder.prepare(noise(1))])
    assert caught.value.code == "device-out-of-memory"


def test_vectors_without_numbers_are_refused(folder: Path, embedder: ClapEmbedder) -> None:
    window = embedder.prepare(noise(1))
    with pytest.raises(ConfigurationError, match="MUSICSPACE_EMBED__DTYPE"):
        embedder.embed([np.full_like(window, np.nan)])
