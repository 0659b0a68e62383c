"""Tempo: the octave, the fraction of a percent, and honesty where there is no beat."""

import numpy as np
import pytest

from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.tempo import estimate_tempo
from tests.made_music import drums


@pytest.mark.parametrize("bpm", [84.0, 97.3, 120.0, 131.7, 168.0])
def test_a_backbeat_has_its_tempo_and_octave(bpm: float) -> None:
    tempo = estimate_tempo(Spectra(drums(bpm, 30.0)))
    assert tempo.bpm == pytest.approx(bpm, rel=0.002)
    assert tempo.confidence > 0.6


def test_candidates_are_ranked_and_share_one_probability() -> None:
    tempo = estimate_tempo(Spectra(drums(110.0, 20.0)))
    weights = [candidate.weight for candidate in tempo.candidates]
    assert tempo.candidates[0].bpm == tempo.bpm
    assert weights == sorted(weights, reverse=True)
    assert 0 < sum(weights) <= 1 + 1e-9
    assert len({candidate.bpm for candidate in tempo.candidates}) == len(weights) > 1


def test_a_waltz_is_not_taken_for_two_thirds_of_itself() -> None:
    assert estimate_tempo(Spectra(drums(132.0, 30.0, beats_per_bar=3))).bpm == pytest.approx(132.0, rel=0.002)


def test_the_mean_of_a_drifting_tempo_is_found() -> None:
    tempo = estimate_tempo(Spectra(drums(120.0, 60.0, drift=0.03)))
    assert tempo.bpm == pytest.approx(120.0, rel=0.004)


def test_loudness_does_not_matter() -> None:
    y = drums(104.0, 20.0)
    loud, quiet = estimate_tempo(Spectra(y)), estimate_tempo(Spectra(y * np.float32(0.01)))
    assert loud.bpm is not None
    assert quiet.bpm == pytest.approx(loud.bpm, rel=0.001)


def test_noise_has_no_beat() -> None:
    noise = np.random.default_rng(1).standard_normal(30 * ANALYSIS_RATE_HZ).astype(np.float32) * np.float32(0.1)
    assert estimate_tempo(Spectra(noise)).confidence < 0.3


def test_notes_at_random_times_have_no_sure_beat() -> None:
    rng = np.random.default_rng(2)
    y = np.zeros(30 * ANALYSIS_RATE_HZ, np.float32)
    note = np.sin(np.arange(8000) * 0.1) * np.exp(-np.arange(8000) / 2000)
    for start in rng.integers(0, len(y) - len(note), 60):
        y[start : start + len(note)] += note.astype(np.float32)
    assert estimate_tempo(Spectra(y)).confidence < 0.5


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(3 * ANALYSIS_RATE_HZ, np.float32),
        np.ones(3 * ANALYSIS_RATE_HZ, np.float32),
        np.eye(1, 3 * ANALYSIS_RATE_HZ, 40_000, dtype=np.float32)[0],
        np.full(3 * ANALYSIS_RATE_HZ, np.nan, np.float32),
        np.sin(np.arange(3 * ANALYSIS_RATE_HZ) * 0.05).astype(np.float32),
    ],
    ids=["empty", "a hundred samples", "zeros", "ones", "one impulse", "not a number", "sine"],
)
def test_nothing_to_hear_is_no_tempo_and_no_error(y: np.ndarray) -> None:
    tempo = estimate_tempo(Spectra(y))
    assert tempo.confidence < 0.5
    assert tempo.bpm is None or np.isfinite(tempo.bpm)


def test_two_seconds_are_less_sure_than_thirty() -> None:
    short, long = estimate_tempo(Spectra(drums(120.0, 2.0))), estimate_tempo(Spectra(drums(120.0, 30.0)))
    assert short.confidence < long.confidence
