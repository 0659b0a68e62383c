"""Chroma: how loud each pitch class is, from the peaks of a long-window spectrum, tuned to the recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.spectra import ANALYSIS_RATE_HZ

Floats = NDArray[np.float64]

N_FFT = 8192
#: Two minutes in half overlapping frames make some 650. Shorter recordings overlap more, down to the shortest hop, so
#: that their result does not hang on where frames happen to start.
_LONGEST_HOP, _SHORTEST_HOP, _FRAMES = 4096, 1024, 600
_LOWEST_HZ, _HIGHEST_HZ = 50.0, 2000.0
#: Below this, notes are bass notes.
BASS_HZ = 200.0
#: A peak stands out by this factor from the mean around it, or is noise.
_PEAK_OVER_MEAN = 2.0
_MEAN_BINS = 31
#: A note's partials 2..6 are heard as the note with these weights (Gómez, 2006, harmonic weighting).
_HARMONICS, _DECAY = 5, 0.6


@dataclass(frozen=True, slots=True)
class Chroma:
    """Pitch classes over time.

    Attributes
    ----------
    frames
        Loudness of each pitch class, C first, float64 [frames, 12].
    bass
        The same of bass notes alone.
    tuning
        Deviation of the recording from 440 Hz in semitones, -0.5..0.5.
    tonal_share
        Share of the magnitude from 200 Hz to 2 kHz that is in clear peaks, 0..1. Kicks and snares peak below.
    frame_s
        Seconds from one frame to the next.
    """

    frames: Floats
    bass: Floats
    tuning: float
    tonal_share: float
    frame_s: float


def chroma(y: NDArray[np.float32]) -> Chroma:
    """Chroma of mono samples at `ANALYSIS_RATE_HZ`.

    Harmonic pitch class profile (Gómez, "Tonal Description of Music Audio Signals", 2006): spectral peaks at
    interpolated frequencies, so that drums, which have none, hardly count; each peak also speaks for the fundamentals
    that it may be a partial of.
    """
    hop = int(np.clip(2 ** np.floor(np.log2(max(len(y), 1) / _FRAMES)), _SHORTEST_HOP, _LONGEST_HOP))
    magnitude, bin_hz = _magnitude(y, hop)
    frame, hz, strength = _peaks(magnitude, bin_hz)
    total = float(magnitude[:, int(BASS_HZ / bin_hz) :].sum())
    if not len(hz):
        empty = np.zeros((len(magnitude), 12))
        return Chroma(empty, empty, 0.0, 0.0, hop / ANALYSIS_RATE_HZ)
    pitch = 69 + 12 * np.log2(hz / 440)
    tuning = float(np.angle(np.sum(strength * np.exp(2j * np.pi * pitch))) / (2 * np.pi))
    pitch -= tuning
    low = hz < BASS_HZ
    return Chroma(
        _folded(frame, pitch, strength, len(magnitude)),
        _folded(frame[low], pitch[low], strength[low], len(magnitude), harmonics=1),
        tuning,
        float(strength[~low].sum()) / total if total else 0.0,
        hop / ANALYSIS_RATE_HZ,
    )


def _magnitude(y: NDArray[np.float32], hop: int) -> tuple[Floats, float]:
    """Magnitudes up to `_HIGHEST_HZ`, float64 [frames, bins], and the width of a bin in Hz."""
    from scipy.fft import rfft

    bin_hz = ANALYSIS_RATE_HZ / N_FFT
    highest = int(_HIGHEST_HZ / bin_hz) + 2
    padded = np.pad(np.asarray(y, dtype=np.float32), N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::hop]
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    blocks = [np.abs(rfft(frames[i : i + 32] * window, axis=1)[:, :highest]) for i in range(0, len(frames), 32)]
    return np.concatenate(blocks).astype(np.float64), bin_hz


def _peaks(magnitude: Floats, bin_hz: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Frame, frequency in Hz and loudness of every clear peak."""
    from scipy.ndimage import uniform_filter1d

    floor = uniform_filter1d(magnitude, _MEAN_BINS, axis=1, mode="nearest")
    middle = magnitude[:, 1:-1]
    is_peak = (middle > magnitude[:, :-2]) & (middle >= magnitude[:, 2:]) & (middle > _PEAK_OVER_MEAN * floor[:, 1:-1])
    is_peak[:, : int(_LOWEST_HZ / bin_hz)] = False
    frame, bin_ = np.nonzero(is_peak)
    bin_ += 1
    left, top, right = (np.log(magnitude[frame, bin_ + d] + 1e-12) for d in (-1, 0, 1))
    offset = np.clip((left - right) / (2 * np.minimum(left - 2 * top + right, -1e-9)), -0.5, 0.5)
    return frame, (bin_ + offset) * bin_hz, magnitude[frame, bin_]


def _folded(
    frame: NDArray[np.int64], pitch: Floats, strength: Floats, frames: int, harmonics: int = _HARMONICS
) -> Floats:
    """Peaks folded into an octave, [frames, 12], with a cosine window of a semitone around each pitch class."""
    folded = np.zeros((frames, 12))
    for order in range(1, harmonics + 1):
        fundamental = pitch - 12 * np.log2(order)
        note = np.round(fundamental)
        weight = _DECAY ** (order - 1) * np.cos(np.pi * (fundamental - note)) ** 2
        np.add.at(folded, (frame, note.astype(np.int64) % 12), weight * np.sqrt(strength))
    return folded
