"""Tempo: the octave, the fraction of a percent, and honesty where there is no beat."""

import numpy as np
import pytest
from made_music import drums

from audio import tempo_confidence, tempo_features
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.tempo import estimate_tempo


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


@pytest.mark.parametrize("factor", [0.96, 1.03])
def test_a_recording_played_faster_is_faster_by_exactly_that(factor: float) -> None:
    import soxr

    y = drums(118.3, 60.0)
    before, after = (estimate_tempo(Spectra(each)) for each in (y, soxr.resample(y, ANALYSIS_RATE_HZ * factor, 22_050)))
    assert before.bpm is not None
    assert after.bpm == pytest.approx(before.bpm * factor, rel=0.0003)


def test_an_arpeggio_in_threes_does_not_move_the_beat_of_the_drums() -> None:
    bpm, seconds = 112.0, 40.0
    y = drums(bpm, seconds)
    t = np.arange(2500) / ANALYSIS_RATE_HZ
    note = (0.15 * np.sign(np.sin(2 * np.pi * 440 * t)) * np.exp(-t / 0.05)).astype(np.float32)
    for start_s in np.arange(0.1, seconds - 1, 3 * 15 / bpm):
        start = int(start_s * ANALYSIS_RATE_HZ)
        y[start : start + len(note)] += note
    assert estimate_tempo(Spectra(y)).bpm == pytest.approx(bpm, rel=0.002)


def _limited(bpm: float, octave_weight: float, bar: float) -> float:
    features = np.zeros((2, len(tempo_features.NAMES)))
    features[:, tempo_features.NAMES.index("least bar")] = bar
    periods_s, probabilities = np.array([60 / bpm, 30 / bpm]), np.array([1 - octave_weight, octave_weight])
    return tempo_confidence.limited(1.0, periods_s, features, probabilities)


@pytest.mark.parametrize(
    ("bpm", "octave_weight", "bar"),
    [(118.0, 0.1, 0.8), (70.0, 0.001, 0.8), (190.0, 0.001, 0.8), (118.0, 0.001, 0.05)],
    ids=["an octave has weight", "slow", "fast", "no bars"],
)
def test_what_nothing_corroborates_is_at_most_nine_tenths(bpm: float, octave_weight: float, bar: float) -> None:
    assert _limited(bpm, octave_weight, bar) <= 0.9


def test_a_common_tempo_without_octaves_and_with_bars_may_be_surer_but_never_certain() -> None:
    assert 0.9 < _limited(118.0, 0.001, 0.8) < 1


@pytest.mark.parametrize("bpm", [58.0, 84.0, 176.0, 205.0])
def test_rare_tempi_are_never_nearly_certain(bpm: float) -> None:
    assert estimate_tempo(Spectra(drums(bpm, 40.0))).confidence <= 0.97
