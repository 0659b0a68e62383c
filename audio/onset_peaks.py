"""Onsets as moments: the peaks of an onset envelope."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_PEAK_S = 0.03
_MEAN_BEFORE_S = 0.10
_MEAN_AFTER_S = 0.07
_WAIT_S = 0.03
# In the units of the envelope, so that a passage without onsets has none, however much its noise varies.
_THRESHOLD = 0.1


def pick_onsets(envelope: Floats, rate_hz: float) -> NDArray[np.intp]:
    """Frames of the onsets, rising.

    An onset is the largest value nearby, exceeds the mean nearby by a threshold, and keeps a distance from the one
    before (S. Böck, F. Krebs and M. Schedl, "Evaluating the Online Capabilities of Onset Detection Methods", 2012).
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    if not len(envelope):
        return np.zeros(0, np.intp)
    peak, before, after, wait = (
        round(seconds * rate_hz) for seconds in (_PEAK_S, _MEAN_BEFORE_S, _MEAN_AFTER_S, _WAIT_S)
    )
    highest = maximum_filter1d(envelope, 2 * peak + 1, mode="nearest")
    width = before + after + 1
    mean = uniform_filter1d(envelope, width, mode="nearest", origin=before - width // 2)
    candidates = np.flatnonzero((envelope == highest) & (envelope >= mean + _THRESHOLD))
    onsets: list[int] = []
    for frame in candidates:
        if not onsets or frame - onsets[-1] > wait:
            onsets.append(int(frame))
    return np.array(onsets, dtype=np.intp)
