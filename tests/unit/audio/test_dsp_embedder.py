"""The dsp embedder: the same sound stays in its place, other sounds are elsewhere."""

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from audio.decoding import decode
from audio.dsp_embedder import DspEmbedder, stored_reference
from audio.dsp_features import BLOCKS, FEATURES, measure
from core.audio import Segment
from core.errors import PermanentError
from services.audio_analysis.windows import choose_windows, segment_vectors

RATE_HZ = DspEmbedder.sample_rate_hz
CODECS = ("wav", "mp3", "ogg", "flac", "aac")
#: Mean absolute features, by block, of `loop(100, 220, 0.5, seconds=4)`, in the space that `SPACE` names.
EXPECTED_MEANS = {
    "spectrum": 0.5326,
    "spread": 0.4619,
    "change": 0.1220,
    "timbre": 0.1832,
    "periods": 0.1151,
    "onsets": 1.0711,
    "chroma": 0.3001,
    "intervals": 0.2960,
}


def embedded(*windows: np.ndarray) -> np.ndarray:
    embedder = DspEmbedder()
    return embedder.embed([embedder.prepare(window) for window in windows])


def loop(tempo_bpm: float, root_hz: float, bright: float, seconds: float = 12.0, seed: int = 0) -> np.ndarray:
    """Noise bursts on the beat over a major chord."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * root_hz * ratio * t) for ratio in (1, 5 / 4, 3 / 2))
    since_beat = t % (60 / tempo_bpm)
    hits = np.exp(-since_beat * 40) * rng.normal(0, 1, len(t))
    smooth = np.convolve(hits, np.ones(8) / 8, mode="same")
    return (0.05 * chord + 0.2 * (bright * hits + (1 - bright) * smooth)).astype(np.float32)


def segments(path: Path) -> dict[Segment, np.ndarray]:
    embedder = DspEmbedder()
    windows = choose_windows(decode(path), RATE_HZ, embedder.window_s, 30, 30)
    return segment_vectors(windows.members, embedded(*windows.samples))


def test_vectors_are_unit_and_differ_between_sounds() -> None:
    vectors = embedded(loop(90, 220, 0.9), loop(150, 330, 0.1), loop(120, 262, 0.5))
    assert vectors.shape == (3, DspEmbedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors @ vectors.T)[~np.eye(3, dtype=bool)].max() < 0.9


@pytest.mark.parametrize("changed", ["louder", "softer", "later", "earlier", "noisier", "clipped"])
def test_what_does_not_change_the_sound_hardly_moves_the_vector(changed: str) -> None:
    y = loop(120, 262, 0.5)
    late = round(0.012 * RATE_HZ)
    other = {
        "louder": y * 4,
        "softer": y * 0.01,
        "later": np.concatenate([np.zeros(late, np.float32), y]),
        "earlier": y[late:],
        "noisier": y + np.random.default_rng(1).normal(0, 1e-4, len(y)).astype(np.float32),
        "clipped": np.clip(y, -0.5, 0.5),
    }[changed]
    before, after = embedded(y, other)
    assert before @ after > 0.98


def test_tempo_and_harmony_both_matter() -> None:
    same, slower, transposed = embedded(loop(120, 262, 0.5), loop(97, 262, 0.5), loop(120, 370, 0.5))
    again = embedded(loop(120, 262, 0.5, seed=5))[0]
    assert same @ again > 0.95
    assert same @ again > same @ slower
    assert same @ again > same @ transposed


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(0),
        np.zeros(1),
        np.zeros(5 * RATE_HZ),
        np.ones(5 * RATE_HZ),
        np.full(100, 1e-20),
        np.eye(1, 5 * RATE_HZ)[0],
        np.sin(np.arange(3 * RATE_HZ) * 0.1),
        1e3 * np.random.default_rng(0).normal(size=2 * RATE_HZ),
    ],
    ids=["nothing", "sample", "silence", "constant", "faint", "click", "sine", "loud"],
)
def test_odd_windows_have_finite_vectors(y: np.ndarray) -> None:
    vector = embedded(y.astype(np.float32))[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_batches_and_repetitions_give_the_same_vectors() -> None:
    windows = [loop(90 + 10 * number, 220, 0.3, seconds=4) for number in range(5)]
    together = embedded(*windows)
    np.testing.assert_array_equal(together, np.vstack([embedded(window) for window in windows]))
    assert DspEmbedder().embed([]).shape == (0, DspEmbedder.dimensions)


def test_preparation_can_be_pickled() -> None:
    prepare = pickle.loads(pickle.dumps(DspEmbedder().prepare))
    y = loop(100, 220, 0.5, seconds=3)
    np.testing.assert_array_equal(prepare(y), measure(y))


def test_there_are_no_texts() -> None:
    with pytest.raises(PermanentError) as caught:
        DspEmbedder().embed_text(["piano"])
    assert caught.value.code == "embedding-without-text"


def test_features_stay_what_the_reference_was_made_of() -> None:
    """Who changes a feature, or the spectra below, must make the reference anew and give the space another number."""
    features = measure(loop(100, 220, 0.5, seconds=4))
    reference = stored_reference()
    away = np.abs((features - reference.mean) / reference.deviation)
    bounds = np.cumsum([0, *BLOCKS.values()])
    means = {name: float(np.abs(features[a:b]).mean()) for name, (a, b) in zip(BLOCKS, pairwise(bounds), strict=True)}
    assert len(features) == FEATURES == 239
    assert np.median(away) < 3
    assert means == pytest.approx(EXPECTED_MEANS, abs=2e-3)


class TestRealMusic:
    """Figures on recordings, in the folder of shared data."""

    def test_five_codecs_of_a_clip(self, shared_data: Path) -> None:
        clips = [segments(shared_data / "audio" / "clips" / f"dubstep.{kind}") for kind in CODECS]
        for segment in Segment:
            vectors = np.stack([clip[segment] for clip in clips])
            assert (vectors @ vectors.T).min() >= 0.99

    def test_an_outro_is_closest_to_its_own_song(self, shared_data: Path) -> None:
        folder = shared_data / "audio" / "songs"
        songs = [segments(path) for path in sorted(folder.iterdir()) if path.suffix in (".mp3", ".ogg")]
        intros, outros, whole = (np.stack([song[segment] for song in songs]) for segment in Segment)
        assert mean_reciprocal_rank(outros, whole) >= 0.95
        assert mean_reciprocal_rank(outros, intros) >= 0.75
        others = (whole @ whole.T)[~np.eye(len(songs), dtype=bool)]
        assert abs(others.mean()) < 0.2
        assert (intros * outros).sum(axis=1).mean() > others.mean() + 0.25


def mean_reciprocal_rank(queries: np.ndarray, answers: np.ndarray) -> float:
    """Each query's own answer among all; 1 is always first."""
    similarity = queries @ answers.T
    ranks = (similarity >= np.diag(similarity)[:, None]).sum(axis=1)
    return float((1 / ranks).mean())
