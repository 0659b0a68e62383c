"""Drums and chords of known tempo and key, as short as tests need them."""

import numpy as np
from numpy.typing import NDArray

from audio.spectra import ANALYSIS_RATE_HZ

Floats = NDArray[np.float32]


def beat_grid(bpm: float, seconds: float, drift: float = 0.0, start_s: float = 0.1) -> NDArray[np.float64]:
    """Times of beats; with `drift` the tempo rises and falls by that share, its mean being `bpm`."""
    beats = np.arange(int((seconds - start_s) * bpm / 60))
    intervals = 60 / bpm * (1 + drift * np.sin(2 * np.pi * beats / len(beats)))
    return start_s + np.concatenate([[0.0], np.cumsum(intervals)[:-1]])


def drums(bpm: float, seconds: float, beats_per_bar: int = 4, drift: float = 0.0) -> Floats:
    """Kick on one (and three), snare on the others, hats on eighths; float32 mono at `ANALYSIS_RATE_HZ`."""
    rng = np.random.default_rng(7)
    y = np.zeros(int(seconds * ANALYSIS_RATE_HZ), np.float32)
    t = np.arange(4000) / ANALYSIS_RATE_HZ
    kick = np.sin(2 * np.pi * 55 * t) * np.exp(-t / 0.08)
    snare = (0.5 * np.sin(2 * np.pi * 190 * t) + 0.4 * rng.standard_normal(len(t))) * np.exp(-t / 0.06)
    hat = 0.25 * np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t / 0.02)
    grid = beat_grid(bpm, seconds, drift)
    for beat, time_s in enumerate(grid):
        place = beat % beats_per_bar
        _add(y, kick if place == 0 or (beats_per_bar == 4 and place == 2) else snare, time_s)
        _add(y, hat, time_s)
        _add(y, hat, time_s + 30 / bpm)
    return y * np.float32(0.5)


def cadence(root: int, minor: bool, seconds: float = 12.0, cents: float = 0.0) -> Floats:
    """I IV V I with basses and six partials a note, in minor with its major dominant."""
    y = np.zeros(int(seconds * ANALYSIS_RATE_HZ), np.float32)
    length = seconds / 8
    for i in range(8):
        step, third = ((0, 3 if minor else 4), (5, 3 if minor else 4), (7, 4), (0, 3 if minor else 4))[i % 4]
        for note in (36 + (root + step) % 12, *(55 + (root + step + tone - 55) % 12 for tone in (0, third, 7))):
            _add(y, _note(note + cents / 100, length), i * length)
    return y * np.float32(0.1)


def _note(midi: float, seconds: float) -> NDArray[np.float64]:
    t = np.arange(int(seconds * ANALYSIS_RATE_HZ)) / ANALYSIS_RATE_HZ
    hz = 440 * 2 ** ((midi - 69) / 12)
    return sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 7)) * np.exp(-t)


def _add(y: Floats, sound: NDArray[np.float64], time_s: float) -> None:
    start = round(time_s * ANALYSIS_RATE_HZ)
    n = min(len(sound), len(y) - start)
    if n > 0:
        y[start : start + n] += sound[:n].astype(np.float32)
