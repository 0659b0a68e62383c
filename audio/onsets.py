"""Onset envelopes: how much sound begins, over time, in each part of the spectrum."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float32]

N_FFT = 1024
HOP_LENGTH = 256
#: Upper edges in Hz of the four envelopes: kick and bass, chords, snare and voice, hats.
BAND_EDGES_HZ = (160.0, 800.0, 3200.0)
BANDS = len(BAND_EDGES_HZ) + 1
_FILTERS = 36
_LOWEST_HZ = 30.0
_HIGHEST_HZ = 10_500.0
#: Loudness grows with the logarithm of 1 + this many times the level, relative to the filter's mean level.
_COMPRESSION = 10.0
#: A filter this far below the mean of all filters counts as empty rather than being amplified.
_FLOOR = 0.02


def band_onsets(y: Floats, sample_rate_hz: float) -> Floats:
    """Onset envelopes of four bands, float32 [4, frames], >= 0, at `sample_rate_hz / HOP_LENGTH` frames a second.

    Spectral flux of a logarithmic filter bank, log-compressed after each filter is scaled to its own mean (after the
    adaptive whitening of Stowell and Plumbley, 2007), against the maximum of neighboring filters one frame earlier so
    that vibrato is no onset (SuperFlux, Böck and Widmer, DAFx 2013). Frame k is centered at sample `k * HOP_LENGTH`.
    """
    bank, centers_hz = _filter_bank(float(sample_rate_hz))
    levels = np.concatenate([block @ bank for block in _magnitudes(y)])
    means = levels.mean(axis=0)
    levels /= np.maximum(means, _FLOOR * means.mean()) + np.float32(1e-9)
    loudness = np.log1p(np.float32(_COMPRESSION) * levels)
    before = loudness[:-1].copy()
    np.maximum(before[:, 1:], loudness[:-1, :-1], out=before[:, 1:])
    np.maximum(before[:, :-1], loudness[:-1, 1:], out=before[:, :-1])
    flux = np.zeros_like(loudness)
    np.maximum(loudness[1:] - before, 0, out=flux[1:])
    bands = np.searchsorted(BAND_EDGES_HZ, centers_hz)
    return np.stack([flux[:, bands == band].mean(axis=1) for band in range(BANDS)]).astype(np.float32)


@cache
def _filter_bank(sample_rate_hz: float) -> tuple[Floats, Floats]:
    """Triangular filters with logarithmic spacing, at least one bin wide, [bins, filters], and their centers in Hz."""
    bin_hz = sample_rate_hz / N_FFT
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _FILTERS + 2) / bin_hz
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    edges = np.minimum(edges, N_FFT // 2 - np.arange(len(edges))[::-1] * 0.01)
    bins = np.arange(N_FFT // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = np.maximum(np.minimum(rising, falling), 0)
    return (bank / np.maximum(bank.sum(axis=0), 1e-9)).astype(np.float32), (edges[1:-1] * bin_hz).astype(np.float32)


def _magnitudes(y: Floats, frames_per_block: int = 512) -> "Iterator[Floats]":
    """Blocks of magnitudes [frames, bins]; small blocks stay in the processor's caches."""
    from scipy.fft import rfft

    padded = np.pad(np.asarray(y, dtype=np.float32), N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    for start in range(0, len(frames), frames_per_block):
        yield np.abs(rfft(frames[start : start + frames_per_block] * window, axis=1))
