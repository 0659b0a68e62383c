"""How well the beginning or the end of a track can be mixed into another one."""

import numpy as np
from numpy.typing import NDArray

from core.audio import PROFILE_RATE_HZ, MixProfile

Floats = NDArray[np.float32]

_FLOOR_DB = -60.0
_LEVEL_WINDOW_S = 1.0
# Deviation of the level at which stability has fallen to 1/e.
_UNSTEADY_DB = 6.0
_PERCUSSION_WEIGHT = 0.6


def rms_stability(power: Floats, rate_hz: float) -> float:
    """Steadiness of the level, 0..1, of mean powers float32 [n] at `rate_hz`; 1 for a level that never changes.

    The level is taken over a second, longer than a beat, so that a pumping kick is steady while a fade is not; its
    standard deviation in dB falls exponentially into the result (1 dB: .85, 6 dB: .37). Silence is not steady: 0.
    """
    width = max(1, round(_LEVEL_WINDOW_S * rate_hz))
    if not len(power) or power.max() <= 0:
        return 0.0
    width = min(width, len(power))
    sums = np.cumsum(np.concatenate([[0.0], power.astype(np.float64)]))
    levels = (sums[width:] - sums[:-width])[:: max(1, width // 2)]
    levels_db = 10 * np.log10(np.maximum(levels / levels.max(), 10 ** (_FLOOR_DB / 10)))
    return float(np.exp(-levels_db.std() / _UNSTEADY_DB))


def mixability(percussive_ratio: float, stability: float) -> float:
    """How easily a DJ mixes over it, 0..1: percussion to align by counts for six tenths, a steady level for four."""
    return _PERCUSSION_WEIGHT * percussive_ratio + (1 - _PERCUSSION_WEIGHT) * stability


def mix_profile(low_power: Floats, power: Floats, rate_hz: float, onsets: Floats, onset_rate_hz: float) -> MixProfile:
    """Envelopes at `PROFILE_RATE_HZ` of mean powers (1.0 is full scale) at `rate_hz`, and of onsets in 0..1."""
    low, level = (_level_bytes(_bins(values, rate_hz, np.add)) for values in (low_power, power))
    strengths = np.clip(_bins(onsets, onset_rate_hz, np.maximum) * 255, 0, 255)
    length = min(len(low), len(strengths))
    return MixProfile(low[:length], level[:length], strengths.round().astype(np.uint8).tobytes()[:length])


def _bins(values: Floats, rate_hz: float, combine: np.ufunc) -> Floats:
    """Means (of `np.add`) or maxima of the values within each step of the profile."""
    if not len(values):
        return values
    steps = max(1, int(len(values) / rate_hz * PROFILE_RATE_HZ))
    starts = np.minimum((np.arange(steps) * rate_hz / PROFILE_RATE_HZ).astype(np.intp), len(values) - 1)
    counts = np.diff([*starts, len(values)]) if combine is np.add else np.ones(len(starts))
    combined: Floats = (combine.reduceat(values, starts) / counts).astype(np.float32)
    return combined


def _level_bytes(power: Floats) -> bytes:
    level_db = 10 * np.log10(np.maximum(power, 1e-12))
    return np.clip((level_db / -_FLOOR_DB + 1) * 255, 0, 255).round().astype(np.uint8).tobytes()
