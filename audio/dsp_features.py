"""What the `dsp` embedder measures of a window: spectrum, timbre, rhythm and harmony, each a few dozen numbers.

Every number is made from levels relative to the window's own mean, so that gain does not matter, and is limited from
below, so that what a codec leaves out in the quietest parts does not either.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.spectra import ANALYSIS_RATE_HZ, Spectra

Floats = NDArray[np.float32]

MEL_BANDS = 40
_LOW_HZ, _HIGH_HZ = 40.0, 9_000.0
# Bands this far below the mean of all are taken as empty: codecs leave them out.
_EMPTY_BAND = 1e-4
# Frames this far below the mean of their band are taken as silent: there codecs leave out, or add, what nobody hears.
_SILENT_FRAME = 2e-1
CEPSTRA = 20
#: Bands of onsets, as ranges of mel bands: kick and bass, snare and voice, hats.
_ONSET_BANDS = ((0, 8), (8, 24), (24, 40))
#: Beat-like periods, in seconds: four octaves in steps of 12 %, so that a change of tempo of 4 % stays in its bin.
_PERIODS_S = np.geomspace(0.125, 2.0, 25)
_CHROMA_LOW_HZ, _CHROMA_HIGH_HZ = 130.0, 2_100.0

#: Lengths of the blocks of features, in their order.
BLOCKS: dict[str, int] = {
    "spectrum": MEL_BANDS,
    "spread": MEL_BANDS,
    "change": MEL_BANDS,
    "timbre": CEPSTRA,
    "periods": len(_ONSET_BANDS) * (len(_PERIODS_S) - 1),
    "onsets": len(_ONSET_BANDS) * 3,
    "chroma": 12,
    "intervals": 6,
}
FEATURES = sum(BLOCKS.values())


def measure(y: Floats) -> Floats:
    """Features float32 [`FEATURES`] of a window, samples float32 [n] at 22,050 Hz; finite for any finite samples."""
    spectra = Spectra(y)
    power = spectra.power
    power = power / max(float(power.mean()), 1e-12)
    bands = power @ _mel_filters()
    mean = bands.mean(axis=0) + _EMPTY_BAND
    level = np.log10(bands / mean + _SILENT_FRAME)
    envelopes = _onset_envelopes(level)
    parts = {
        "spectrum": np.log10(mean) - np.log10(mean).mean(),
        "spread": level.std(axis=0),
        "change": np.abs(np.diff(level, axis=0, prepend=level[:1])).mean(axis=0),
        "timbre": _timbre(level),
        "periods": np.concatenate([_periodicity(envelope, spectra.frame_rate_hz) for envelope in envelopes.T]),
        "onsets": _onset_statistics(envelopes),
        **_harmony(power),
    }
    return np.concatenate([parts[name] for name in BLOCKS]).astype(np.float32)


def _timbre(level: Floats) -> Any:
    """Deviations of mel-frequency cepstral coefficients (Davis and Mermelstein 1980); the means repeat the spectrum."""
    from scipy.fft import dct

    return dct(level, type=2, norm="ortho", axis=1)[:, 1 : CEPSTRA + 1].std(axis=0)


def _onset_envelopes(level: Floats) -> Floats:
    """Spectral flux of three bands, float32 [frames, 3]: mean rise of the level from frame to frame."""
    rise = np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0)
    return np.stack([rise[:, low:high].mean(axis=1) for low, high in _ONSET_BANDS], axis=1)


def _onset_statistics(envelopes: Floats) -> Floats:
    """Mean, deviation and peakiness of each envelope."""
    mean = envelopes.mean(axis=0)
    deviation = envelopes.std(axis=0)
    peak = np.quantile(envelopes, 0.98, axis=0) / (mean + 1e-3)
    statistics: Floats = np.concatenate([np.log10(mean + 1e-3), np.log10(deviation + 1e-3), np.log10(peak + 1e-1)])
    return statistics


def _periodicity(envelope: Floats, frame_rate_hz: float) -> Any:
    """Autocorrelation of an onset envelope, averaged within each range of periods (cf. Pohle et al. 2009)."""
    from scipy.fft import irfft, next_fast_len, rfft

    centered = envelope - envelope.mean()
    size = next_fast_len(2 * len(centered))
    correlation = irfft(np.abs(rfft(centered, size)) ** 2, size)[: len(centered)]
    correlation = correlation / (correlation[0] + 1e-6 * len(centered))
    # Between the whole lags of frames, since the shortest periods are narrower than a frame.
    lags = np.geomspace(_PERIODS_S[0], _PERIODS_S[-1], 4 * (len(_PERIODS_S) - 1) + 1)[:-1] * frame_rate_hz
    values = np.interp(lags, np.arange(len(correlation)), correlation, right=0.0)
    return values.reshape(-1, 4).max(axis=1)


def _harmony(power: Floats) -> dict[str, Floats]:
    """Chroma, tuned to the window, and what stays of it under transposition: its circular autocorrelation."""
    pitches = np.sqrt(power @ _pitch_filters()).mean(axis=0)
    octave = pitches.reshape(-1, 36).sum(axis=0)
    # Three bins a semitone: the third that holds most says how far the tuning is off.
    offset = int(np.argmax(octave.reshape(12, 3).sum(axis=0))) - 1
    centered = np.roll(octave, -offset)
    chroma = centered.reshape(12, 3) @ np.array([0.5, 1.0, 0.5])
    chroma = chroma / max(float(chroma.max()), 1e-6)
    deviation = chroma - chroma.mean()
    norm = max(float(deviation @ deviation), 1e-6)
    intervals = np.array([deviation @ np.roll(deviation, shift) / norm for shift in range(1, 7)])
    return {"chroma": deviation, "intervals": intervals}


@lru_cache(maxsize=1)
def _mel_filters() -> Floats:
    """Triangles at even distances on the mel scale, float32 [1025, 40]."""
    edges_mel = np.linspace(_mel(_LOW_HZ), _mel(_HIGH_HZ), MEL_BANDS + 2)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    frequencies = _frequencies_hz()[:, None]
    low, center, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising, falling = (frequencies - low) / (center - low), (high - frequencies) / (high - center)
    filters: Floats = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    # The lowest triangles are narrower than a bin: each holds at least the bin next to its center.
    filters[np.abs(frequencies - center).argmin(axis=0), np.arange(MEL_BANDS)] += 1e-3
    filters /= filters.sum(axis=0)
    return filters


@lru_cache(maxsize=1)
def _pitch_filters() -> Floats:
    """Which third of a semitone each bin belongs to, float32 [1025, 144]; C is first, sharp and flat beside it."""
    frequencies = _frequencies_hz()
    inside = (frequencies >= _CHROMA_LOW_HZ) & (frequencies <= _CHROMA_HIGH_HZ)
    thirds = 36 * np.log2(np.maximum(frequencies, 1.0) / 130.8128) + 1
    filters = np.zeros((len(frequencies), 144), dtype=np.float32)
    filters[inside, np.clip(np.round(thirds[inside]), 0, 143).astype(int)] = 1.0
    return filters


def _mel(frequency_hz: float) -> float:
    return float(2595 * np.log10(1 + frequency_hz / 700))


def _frequencies_hz() -> NDArray[np.floating[Any]]:
    return np.fft.rfftfreq(Spectra.n_fft, 1 / ANALYSIS_RATE_HZ)
