"""Where the beats are, once the tempo is known."""

import numpy as np
from numpy.typing import NDArray

from audio.beat_phase import beat_phase
from audio.spectra import ANALYSIS_RATE_HZ, Spectra

Floats = NDArray[np.float64]

#: How strongly beats keep to the tempo, against falling on onsets (`alpha` of Ellis). Enough that beats do not slip to
#: the off-beat where onsets are rare, and little enough that they follow a tempo that is 5 % off.
_TIGHTNESS = 400.0
#: Onsets farther than this from the chosen phase, in beats, are none of the beat's.
_REACH = 0.15
#: The flux peaks this long before the onset, as the onset enters the frame's window; measured on clicks.
LATENCY_S = 0.0108
_SMOOTHING_S = 0.02
_BAND_WEIGHTS = np.array([1.0, 0.25, 0.25, 0.1])


def track_beats(spectra: Spectra, bpm: float) -> Floats:
    """Times of the beats in seconds, rising, float64 [beats].

    Dynamic programming over the onset envelope (Ellis, "Beat Tracking by Dynamic Programming", 2007) follows the tempo.
    It takes whatever is played loudest for the beat, so `audio.beat_phase` then chooses the beat's phase on what it
    found, and it runs again near that phase.
    """
    bands = onset_bands(spectra)
    grid = pulse(bands, period := 60 / bpm * spectra.onset_rate_hz)
    if not len(grid):
        return grid
    phase = beat_phase(spectra, bands, grid)
    grid = np.interp(np.arange(len(grid) - 1) + phase, np.arange(len(grid)), grid)
    envelope = _summed(bands)
    frames = _best_path(envelope * _near(grid, len(envelope)), period)
    beats = _interpolated(envelope, frames) / spectra.onset_rate_hz + LATENCY_S
    return beats[(beats >= 0) & (beats <= len(spectra.y) / ANALYSIS_RATE_HZ)]


def onset_bands(spectra: Spectra) -> Floats:
    """Onsets of the four bands, each of unit deviation, float64 [4, frames]."""
    from scipy.ndimage import gaussian_filter1d

    bands = spectra.band_onsets.astype(np.float64)
    bands /= np.maximum(bands.std(axis=1, keepdims=True), 0.1 * bands.std() + 1e-9)
    smooth: Floats = gaussian_filter1d(bands, _SMOOTHING_S * spectra.onset_rate_hz, axis=1)
    return smooth


def pulse(bands: Floats, period: float) -> Floats:
    """Frames about one `period` (in frames) apart on which most is played, from before the first to after the last.

    Empty where there are no onsets, or less than two periods.
    """
    envelope = _summed(bands)
    if len(envelope) < 2 * period or not envelope.any():
        return np.empty(0)
    return _continued(_best_path(envelope, period), period, len(envelope))


def onsets_at(spectra: Spectra, times_s: Floats) -> Floats:
    """Mean strength of onsets at times [..., n], above the mean of all times, float64 [...]."""
    envelope = _summed(onset_bands(spectra))
    frames = np.arange(len(envelope))
    strength = np.interp((times_s - LATENCY_S) * spectra.onset_rate_hz, frames, envelope)
    return np.asarray(strength.mean(axis=-1) - envelope.mean())


def _summed(bands: Floats) -> Floats:
    """One envelope of unit deviation, in which a kick counts more than hats off the beat."""
    envelope: Floats = _BAND_WEIGHTS @ bands
    return np.asarray(envelope / max(float(envelope.std()), 1e-9))


def _continued(frames: NDArray[np.int64], period: float, length: int) -> Floats:
    """The beats, and more of them in both directions until they have left the recording."""
    before = np.arange(frames[0] - period, -2 * period, -period)[::-1]
    after = np.arange(frames[-1] + period, length + 2 * period, period)
    return np.concatenate([before, frames, after])


def _near(grid: Floats, length: int) -> Floats:
    """1 at the grid, 0 from `_REACH` beats off, [length]."""
    beat = np.interp(np.arange(length), grid, np.arange(len(grid)))
    off = np.abs(beat - np.round(beat)) / _REACH
    return np.where(off < 1, (1 + np.cos(np.pi * off)) / 2, 0.0)


def _best_path(envelope: Floats, period: float) -> NDArray[np.int64]:
    """Frames of the beats. Half a period is done at once, for no frame of it can follow another one."""
    frames = len(envelope)
    back = np.arange(round(period / 2), round(2 * period) + 1)
    cost = _TIGHTNESS * np.log(back / period) ** 2
    block = int(back[0])
    first = int(back[-1])
    best = np.concatenate([np.zeros(first), envelope])
    previous = np.full(frames, -1)
    for start in range(0, frames, block):
        at = np.arange(start, min(start + block, frames))
        scores = best[at[:, None] + first - back] - cost
        choice = np.argmax(scores, axis=1)
        best[at + first] += scores[np.arange(len(at)), choice]
        previous[at] = at - back[choice]
    tail = max(0, frames - round(period))
    path = [tail + int(np.argmax(best[first + tail :]))]
    while (before := int(previous[path[-1]])) >= 0:
        path.append(before)
    return np.array(path[::-1])


def _interpolated(envelope: Floats, frames: NDArray[np.int64]) -> Floats:
    """Frames moved to the vertex of the parabola through their neighbors."""
    inner = np.clip(frames, 1, len(envelope) - 2)
    left, middle, right = envelope[inner - 1], envelope[inner], envelope[inner + 1]
    curvature = left - 2 * middle + right
    shift = np.where(curvature < -1e-9, (left - right) / (2 * np.minimum(curvature, -1e-9)), 0.0)
    moved: Floats = frames + np.clip(shift, -0.5, 0.5)
    return moved
