"""Periods that onsets repeat at: correlations for the coarse view, one long Fourier transform for the precise one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Tempi that are considered, in beats per minute.
SLOWEST_BPM, FASTEST_BPM = 45.0, 230.0
#: Correlations are known up to this lag: four beats of the slowest tempo.
LONGEST_LAG_S = 5.4
#: Envelopes are smoothed by this much, so that played timing still lines up.
_SMOOTHING_S = 0.015
#: Slower changes than this are dynamics, not rhythm.
_TREND_S = 2.0
_RATIOS = (1.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)
_SEED_LAGS = 6
#: Candidates closer than this are one.
_SAME = 0.025


@dataclass(frozen=True, slots=True)
class Periodicity:
    """How some envelopes repeat.

    Attributes
    ----------
    rate_hz
        Frames a second of the envelopes.
    correlations
        Normalized correlation of envelope i with a later envelope j, float64 [pairs, lags].
    spectrum
        Magnitudes of the Fourier transform of the summed envelopes, scaled to a mean of 1, float64 [bins].
    bin_hz
        Width of its bins.
    rates_hz
        Onsets a second in each envelope and in their sum, float64 [bands + 1].
    """

    rate_hz: float
    correlations: Floats
    spectrum: Floats
    bin_hz: float
    rates_hz: Floats

    def at_lags(self, lags_s: Floats) -> Floats:
        """Correlations at `lags_s` [n], linearly interpolated, float64 [pairs, n]."""
        position = np.clip(np.asarray(lags_s) * self.rate_hz, 0, self.correlations.shape[1] - 1.001)
        index = position.astype(np.int64)
        part = position - index
        before, after = self.correlations[:, index], self.correlations[:, index + 1]
        result: Floats = before * (1 - part) + after * part
        return result

    def pulses(self, frequencies_hz: Floats) -> Floats:
        """Strength of pulses at `frequencies_hz` [...], float64 [pairs, ...].

        The Fourier transform of windowed correlations, as in a tempogram of some seconds (Grosche and Müller, 2011):
        where a lag answers for all its fractions, a frequency answers for all its multiples (Peeters, 2006).
        """
        lags = np.arange(self.correlations.shape[1]) / self.rate_hz
        window = np.hanning(2 * len(lags))[len(lags) :]
        waves = np.cos(2 * np.pi * np.asarray(frequencies_hz)[..., None] * lags) * window
        return np.moveaxis(waves @ self.correlations.T, -1, 0) / self.rate_hz

    def at_frequencies(self, frequencies_hz: Floats) -> Floats:
        """Magnitudes at `frequencies_hz`, linearly interpolated, of the same shape."""
        return np.interp(frequencies_hz / self.bin_hz, np.arange(len(self.spectrum)), self.spectrum)


def measure(envelopes: NDArray[np.floating], rate_hz: float, pairs: tuple[tuple[int, int], ...]) -> Periodicity:
    """The periodicity of onset `envelopes` [bands, frames].

    `pairs` names the correlations, those of each band with itself first.
    """
    prepared = _prepare(np.asarray(envelopes, dtype=np.float64), rate_hz)
    frames = prepared.shape[1]
    return Periodicity(
        rate_hz,
        _correlations(prepared, pairs, int(LONGEST_LAG_S * rate_hz) + 2),
        *_long_spectrum(prepared.sum(axis=0) * np.hanning(frames), rate_hz),
        np.array([_onset_rate(row, rate_hz) for row in (*prepared, prepared.mean(axis=0))]),
    )


def _onset_rate(envelope: Floats, rate_hz: float) -> float:
    """Peaks a second that stand out."""
    middle = envelope[1:-1]
    peaks = (middle > envelope[:-2]) & (middle >= envelope[2:]) & (middle > 0.5 * envelope.std())
    return float(peaks.sum()) / (len(envelope) / rate_hz)


def _prepare(envelopes: Floats, rate_hz: float) -> Floats:
    """Envelopes without their slow trend, slightly smoothed, each of unit variance (or zero where nothing happens)."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    smooth = gaussian_filter1d(envelopes, _SMOOTHING_S * rate_hz, axis=1, mode="nearest")
    smooth -= uniform_filter1d(smooth, max(3, int(_TREND_S * rate_hz)), axis=1, mode="nearest")
    spread = smooth.std(axis=1, keepdims=True)
    result: Floats = np.where(spread > 1e-6, smooth / np.maximum(spread, 1e-6), 0.0)
    return result


def _correlations(envelopes: Floats, pairs: tuple[tuple[int, int], ...], lags: int) -> Floats:
    """Unbiased correlations [pairs, lags]; zero beyond three quarters of the envelopes' length."""
    from scipy.fft import irfft, next_fast_len, rfft

    frames = envelopes.shape[1]
    size = next_fast_len(frames + lags, real=True)
    transforms = rfft(envelopes, size, axis=1)
    known = min(lags, max(1, frames * 3 // 4))
    result = np.zeros((len(pairs), lags))
    for row, (first, second) in enumerate(pairs):
        # The real part makes it symmetric: it does not matter which of the two comes first.
        cross = irfft((np.conj(transforms[first]) * transforms[second]).real, size)
        result[row, :known] = cross[:known] / (frames - np.arange(known))
    return result


def _long_spectrum(envelope: Floats, rate_hz: float) -> tuple[Floats, float]:
    """Magnitudes of a zero-padded transform with bins of at most 0.001 Hz, and the width of its bins."""
    from scipy.fft import next_fast_len, rfft

    size = next_fast_len(max(int(rate_hz / 0.001), 2 * len(envelope)), real=True)
    magnitudes = np.abs(rfft(envelope, size))
    highest = int(25 / (rate_hz / size)) + 2
    magnitudes = magnitudes[:highest]
    return magnitudes / max(float(magnitudes.mean()), 1e-12), rate_hz / size


def candidate_periods(periodicity: Periodicity) -> Floats:
    """Beat periods in seconds that may be the tempo, unordered, refined to a fraction of a percent.

    Seeds are the highest peaks of the summed correlations of the bands with themselves. A listener may tap a multiple
    or a fraction of what repeats most clearly, so simple ratios of the seeds are candidates as well.
    """
    summed = periodicity.correlations[: len(periodicity.rates_hz) - 1].sum(axis=0)
    lags = np.arange(1, len(summed) - 1)
    peaks = lags[(summed[1:-1] > summed[:-2]) & (summed[1:-1] >= summed[2:]) & (lags >= 0.12 * periodicity.rate_hz)]
    seeds = peaks[np.argsort(summed[peaks])[::-1][:_SEED_LAGS]] / periodicity.rate_hz
    periods: list[float] = []
    for ratio in _RATIOS:
        for seed in seeds:
            if not 60 / FASTEST_BPM * 0.97 <= seed * ratio <= 60 / SLOWEST_BPM * 1.03:
                continue
            period = refine(periodicity, float(seed * ratio))
            if 60 / FASTEST_BPM <= period <= 60 / SLOWEST_BPM and all(abs(period / p - 1) > _SAME for p in periods):
                periods.append(period)
    return np.array(periods)


def refine(periodicity: Periodicity, period_s: float) -> float:
    """The period near `period_s` whose harmonics are strongest in the spectrum of the whole recording.

    First the lowest harmonics, which are wide enough to find from afar, then the higher ones, which are narrow.
    """
    frequency = 1 / period_s
    for width, harmonics in ((0.025, 4), (0.006, 8), (0.0015, 16)):
        trials = frequency * (1 + np.linspace(-width, width, 41))
        orders = np.arange(1, harmonics + 1)
        strength = periodicity.at_frequencies(trials[:, None] * orders).sum(axis=1)
        frequency = float(trials[np.argmax(strength)])
    return 1 / frequency
