"""Drums and percussion: swept sines, filtered noise, clusters of inharmonic partials."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from audio.synthesis.tones import RATE_HZ

Floats = NDArray[np.float32]

#: A recipe draws a slightly different hit every time.
Recipe = Callable[[np.random.Generator], Floats]
#: Recipes by the name that patterns use.
Kit = Mapping[str, Recipe]

_TAU = 2 * np.pi


def _time(seconds: float) -> Floats:
    return np.arange(int(seconds * RATE_HZ), dtype=np.float32) / np.float32(RATE_HZ)


def _noise(rng: np.random.Generator, n: int, brightness: int) -> Floats:
    """White noise, differentiated `brightness` times (each adds 6 dB an octave), at unit level."""
    y = np.diff(rng.standard_normal(n + brightness, dtype=np.float32), brightness)
    return np.asarray(y / (y.std() + 1e-9), dtype=np.float32)


def swept(
    start_hz: float, end_hz: float, sweep_s: float, decay_s: float, click: float = 0.1, drive: float = 1
) -> Recipe:
    """A drum whose pitch falls: kicks, toms, congas."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(decay_s * 5)
        tuned = rng.uniform(0.98, 1.02)
        phase = _TAU * tuned * (end_hz * t + (start_hz - end_hz) * sweep_s * (1 - np.exp(-t / sweep_s)))
        y = np.tanh(drive * np.sin(phase)) * np.exp(-t / decay_s)
        y += click * _noise(rng, len(t), 1) * np.exp(-t / 0.004)
        return np.asarray(y, dtype=np.float32)

    return hit


def snare(tone_hz: float, decay_s: float, wires: float = 0.5, brightness: int = 1) -> Recipe:
    """Two modes of the skin and the rattle of the wires."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(decay_s * 5)
        skin = np.sin(_TAU * tone_hz * t) + 0.6 * np.sin(_TAU * 1.58 * tone_hz * t)
        y = 0.5 * skin * np.exp(-t / (decay_s * 0.5)) + wires * _noise(rng, len(t), brightness) * np.exp(-t / decay_s)
        return np.asarray(y, dtype=np.float32)

    return hit


def clap(decay_s: float, brightness: int = 1) -> Recipe:
    """Several hands, some milliseconds apart."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(0.03 + decay_s * 5)
        starts = np.cumsum(rng.uniform(0.007, 0.012, 3))
        hands = sum(np.where(t >= s, np.exp(-(t - s) / 0.005), 0) for s in (0.0, *starts[:2]))
        tail = np.where(t >= starts[2], np.exp(-(t - starts[2]) / decay_s), 0)
        return np.asarray(0.5 * _noise(rng, len(t), brightness) * (hands + tail), dtype=np.float32)

    return hit


def metal(decay_s: float, lowest_hz: float, noise: float, ping: float = 0.0) -> Recipe:
    """Hi-hats, rides and crashes: noise and a cluster of partials, with a ping of the stick."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(decay_s * 4)
        ratios = np.array([1, 1.342, 1.2312, 1.6532, 1.9523, 2.1523])
        cluster = sum(np.sin(_TAU * lowest_hz * r * t + rng.uniform(0, _TAU)) for r in ratios) / len(ratios)
        y = (noise * _noise(rng, len(t), 2) + (1 - noise) * cluster) * np.exp(-t / decay_s)
        y += ping * np.sin(_TAU * lowest_hz * 1.1 * t) * np.exp(-t / 0.05)
        return np.asarray(0.22 * y, dtype=np.float32)

    return hit


def shaken(attack_s: float, decay_s: float) -> Recipe:
    """Shakers, cabasas and brushes: noise that swells before it fades."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(attack_s + decay_s * 4)
        envelope = np.minimum(t / attack_s, 1) * np.exp(-np.maximum(t - attack_s, 0) / decay_s)
        return np.asarray(0.2 * _noise(rng, len(t), 2) * envelope, dtype=np.float32)

    return hit


def struck(tone_hz: float, decay_s: float, overtone: float = 2.7) -> Recipe:
    """Wood and bells: claves, rim clicks, cowbells, blocks."""

    def hit(rng: np.random.Generator) -> Floats:
        t = _time(decay_s * 5)
        tuned = tone_hz * rng.uniform(0.995, 1.005)
        y = (np.sin(_TAU * tuned * t) + 0.5 * np.sin(_TAU * tuned * overtone * t)) * np.exp(-t / decay_s)
        y += 0.5 * _noise(rng, len(t), 1) * np.exp(-t / 0.006)
        return np.asarray(0.35 * y, dtype=np.float32)

    return hit
