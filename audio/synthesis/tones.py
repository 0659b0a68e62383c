"""Pitched instruments: sums of partials with an envelope each, frequency modulation, a sung vowel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Sample rate of everything that is rendered, in Hz.
RATE_HZ = 22_050
_HIGHEST_HZ = 9_000.0
_TAU = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Timbre:
    """How a pitched instrument sounds.

    Partial k has the amplitude `k ** -rolloff` (times `even` for even k) and fades at `decay + damping * k` per second.
    """

    partials: int = 10
    rolloff: float = 1.0
    even: float = 1.0
    decay: float = 0.0
    damping: float = 0.0
    attack_s: float = 0.005
    release_s: float = 0.05
    inharmonicity: float = 0.0  #: B of stiff strings: partial k lies at `k * sqrt(1 + B k²)`.
    vibrato_cents: float = 0.0
    ensemble_cents: float = 0.0  #: A second voice, detuned by so much
    formants_hz: tuple[float, ...] = ()  #: Resonances that weigh the partials
    fm_ratio: float = 0.0  #: Modulator's frequency over the carrier's; 0: partials instead
    fm_index: float = 0.0
    noise: float = 0.0  #: Share of breath, bow or pick noise
    gain: float = 1.0


def hertz(midi: float) -> float:
    """Frequency of a MIDI note number, 69 is A4 at 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def tone(timbre: Timbre, midi: float, seconds: float, rng: np.random.Generator) -> Floats:
    """A note held for `seconds`, float32 [n] with n = seconds and release, at about unit level."""
    n = int((seconds + timbre.release_s) * RATE_HZ)
    t = np.arange(n, dtype=np.float32) / np.float32(RATE_HZ)
    base = hertz(midi)
    y = _modulated(timbre, base, t) if timbre.fm_ratio else _summed(timbre, base, t, rng)
    if timbre.ensemble_cents and not timbre.fm_ratio:
        y = (y + _summed(timbre, base * 2 ** (timbre.ensemble_cents / 1200), t, rng)) * np.float32(0.7)
    if timbre.noise:
        y += np.float32(timbre.noise) * rng.standard_normal(n, dtype=np.float32) * np.exp(-t * 12)
    return y * _envelope(timbre, n) * np.float32(timbre.gain)


def _summed(timbre: Timbre, base: float, t: Floats, rng: np.random.Generator) -> Floats:
    k = np.arange(1, timbre.partials + 1)
    frequencies = base * k * np.sqrt(1 + timbre.inharmonicity * k**2)
    k, frequencies = k[frequencies < _HIGHEST_HZ], frequencies[frequencies < _HIGHEST_HZ]
    amplitudes = k ** -float(timbre.rolloff) * np.where(k % 2 == 0, timbre.even, 1.0) * _resonance(timbre, frequencies)
    amplitudes /= np.sqrt(np.sum(amplitudes**2) + 1e-9) * 2
    # Vibrato bends time itself, so that every partial follows.
    bent = t + np.float32(timbre.vibrato_cents / 1200 * np.log(2) / (_TAU * 5.4)) * np.sin(np.float32(_TAU * 5.4) * t)
    y = np.zeros_like(t)
    for partial, frequency, amplitude in zip(k, frequencies, amplitudes, strict=True):
        wave = np.sin(np.float32(_TAU * frequency) * bent + np.float32(rng.uniform(0, _TAU)))
        fading = timbre.decay + timbre.damping * partial
        if fading:
            wave *= np.exp(np.float32(-fading) * t)
        y += np.float32(amplitude) * wave
    return y


def _modulated(timbre: Timbre, base: float, t: Floats) -> Floats:
    """Frequency modulation (Chowning, The synthesis of complex audio spectra, JAES 1973), its index fading."""
    fading = np.exp(np.float32(-timbre.damping) * t)
    modulator = np.float32(timbre.fm_index) * fading * np.sin(np.float32(_TAU * base * timbre.fm_ratio) * t)
    y: Floats = (
        np.float32(0.5) * np.sin(np.float32(_TAU * base) * t + modulator) * np.exp(np.float32(-timbre.decay) * t)
    )
    return y


def _resonance(timbre: Timbre, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    if not timbre.formants_hz:
        return np.ones_like(frequencies)
    centers = np.array(timbre.formants_hz)
    width = 60 + 0.08 * centers
    weights = 1 / (1 + ((frequencies[:, None] - centers) / width) ** 2) * 0.7 ** np.arange(len(centers))
    return np.asarray(0.02 + weights.sum(axis=1))


def _envelope(timbre: Timbre, n: int) -> Floats:
    envelope = np.ones(n, np.float32)
    attack = min(max(int(timbre.attack_s * RATE_HZ), 8), n)
    release = min(max(int(timbre.release_s * RATE_HZ), 8), n)
    envelope[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    envelope[n - release :] *= np.linspace(1, 0, release, dtype=np.float32)
    return envelope
