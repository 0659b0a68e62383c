"""The color of a sound: low end, brightness, voice."""

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.loudness import k_weighting
from audio.spectra import Spectra

Floats = NDArray[np.float32]

_LOWEST_HZ = 20.0
#: Edges of sub, bass and low-mid.
LOW_END_HZ = (60.0, 150.0, 400.0)
#: Centroids from the first to the second are a brightness from 0 to 1.
BRIGHTNESS_HZ = (100.0, 10_000.0)
_K_RATE_HZ = 44_100


@dataclass(frozen=True)
class FrameColors:
    """Sums over the bins of each frame of a spectrogram, float32 [frames] each.

    Attributes
    ----------
    sub, bass, low_mid, power
        Mean power in the bands, and from 20 Hz up; a square wave of full scale has 1.
    weighted
        K-weighted power, which loudness is made of.
    magnitude, octaves
        Sum of the magnitudes, and of the magnitudes times the octaves above the lowest of `BRIGHTNESS_HZ`.
    """

    sub: Floats
    bass: Floats
    low_mid: Floats
    power: Floats
    weighted: Floats
    magnitude: Floats
    octaves: Floats


def frame_colors(spectra: Spectra) -> FrameColors:
    """The sums over the bins, two products of matrices."""
    power_weights, magnitude_weights = _bin_weights(tuple(spectra.frequencies_hz[[0, 1, -1]].tolist()))
    return FrameColors(
        *np.ascontiguousarray((spectra.power @ power_weights).T),
        *np.ascontiguousarray((spectra.magnitude @ magnitude_weights).T),
    )


def low_end_shares(colors: FrameColors, frames: slice) -> tuple[float, float, float]:
    """Shares of sub (below 60 Hz), bass (to 150 Hz) and low-mid (to 400 Hz) in the power; zeros for silence."""
    power = float(colors.power[frames].sum())
    if power <= 0:
        return 0.0, 0.0, 0.0
    sub, bass, low_mid = (float(band[frames].sum()) / power for band in (colors.sub, colors.bass, colors.low_mid))
    return sub, bass, low_mid


def brightness(colors: FrameColors, frames: slice) -> float:
    """Spectral centroid on a logarithmic scale of frequency: 0 at 100 Hz and below, 1 at 10 kHz.

    The centroid is the acoustic correlate of perceived brightness (E. Schubert and J. Wolfe, "Does Timbral Brightness
    Scale with Frequency and Spectral Centroid?", 2006). Louder frames count for more.
    """
    magnitude = float(colors.magnitude[frames].sum())
    if magnitude <= 0:
        return 0.0
    lowest, highest = BRIGHTNESS_HZ
    return min(1.0, float(colors.octaves[frames].sum()) / magnitude / math.log2(highest / lowest))


@cache
def _bin_weights(frequencies_hz: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """Weights of the bins in the sums over powers [bins, 5] and magnitudes [bins, 2]."""
    from scipy.signal import sosfreqz

    _, spacing_hz, highest_hz = frequencies_hz
    f: NDArray[np.float64] = np.arange(round(highest_hz / spacing_hz) + 1, dtype=np.float64) * spacing_hz
    audible = _share_of_bins(f, spacing_hz, _LOWEST_HZ, math.inf)
    edges = (_LOWEST_HZ, *LOW_END_HZ)
    bands = [_share_of_bins(f, spacing_hz, low, high) for low, high in pairwise(edges)]
    _, response = sosfreqz(k_weighting(_K_RATE_HZ), f, fs=_K_RATE_HZ)
    octaves = np.log2(np.maximum(f, BRIGHTNESS_HZ[0]) / BRIGHTNESS_HZ[0])
    # Twice, for the spectrum has one side only; three eighths are the power of a Hann window.
    scale = 2 / (0.375 * Spectra.n_fft**2)
    power_weights = scale * np.stack([*bands, audible, np.abs(response) ** 2], axis=1)
    return power_weights.astype(np.float32), np.stack([audible, audible * octaves], axis=1).astype(np.float32)


def _share_of_bins(f: NDArray[np.float64], spacing_hz: float, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """How much of each bin lies within a band."""
    upper, lower = np.minimum(f + spacing_hz / 2, high_hz), np.maximum(f - spacing_hz / 2, low_hz)
    share: NDArray[np.float64] = np.clip((upper - lower) / spacing_hz, 0, 1)
    return share
