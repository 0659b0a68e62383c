"""Where the beats are, once the tempo is known."""

import numpy as np
from numpy.typing import NDArray

from audio.spectra import Spectra

Floats = NDArray[np.float64]

#: How strongly beats keep to the tempo, against falling on onsets (`alpha` of Ellis).
_TIGHTNESS = 100.0
#: The flux peaks this long before the onset, as the onset enters the frame's window; measured on clicks.
_LATENCY_S = 0.0108
_SMOOTHING_S = 0.02
_BAND_WEIGHTS = np.array([1.0, 0.25, 0.25, 0.1])


def track_beats(spectra: Spectra, bpm: float) -> Floats:
    """Times of the beats in seconds, rising, float64 [beats].

    Dynamic programming over the onset envelope (Ellis, "Beat Tracking by Dynamic Programming", 2007).
    """
    envelope = _envelope(spectra)
    period = 60 / bpm * spectra.onset_rate_hz
    if len(envelope) < 2 * period or not envelope.any():
        return np.empty(0)
    frames = _best_path(envelope, period)
    beats = _interpolated(envelope, frames) / spectra.onset_rate_hz + _LATENCY_S
    return beats[(beats >= 0) & (beats <= len(spectra.y) / 22_050)]


def onsets_at(spectra: Spectra, times_s: Floats) -> float:
    """Mean strength of onsets at these times, above the mean of all times."""
    envelope = _envelope(spectra)
    frames = np.arange(len(envelope))
    return float(np.interp((times_s - _LATENCY_S) * spectra.onset_rate_hz, frames, envelope).mean() - envelope.mean())


def _envelope(spectra: Spectra) -> Floats:
    """Onsets of the four bands, each of unit deviation, weighted so that a kick counts more than hats off the beat."""
    from scipy.ndimage import gaussian_filter1d

    bands = spectra.band_onsets.astype(np.float64)
    bands /= np.maximum(bands.std(axis=1, keepdims=True), 0.1 * bands.std() + 1e-9)
    envelope: Floats = gaussian_filter1d(_BAND_WEIGHTS @ bands, _SMOOTHING_S * spectra.onset_rate_hz)
    spread = envelope.std()
    return np.asarray(envelope / max(float(spread), 1e-9), dtype=np.float64)


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
