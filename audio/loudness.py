"""Integrated loudness by ITU-R BS.1770-4: K-weighting, blocks of 400 ms that overlap by 75 %, two gates."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: Loudness of silence, and the absolute gate.
SILENCE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_STEPS_PER_BLOCK = 4
_STEPS_PER_S = 10
# Left, right, center, low-frequency effects (not counted), surrounds 1.5 dB up; in the order of WAVE files.
_SURROUND = 10**0.15
_CHANNEL_GAINS = {5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND), 6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND)}


class LoudnessMeter:
    """Listens to a recording block by block, as it is decoded.

    Two channels are filtered as one complex signal: the filter is real, so the squared magnitude of its output is the
    sum of the channels' powers, exactly, at less than the cost of two filters.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._sections = k_weighting(rate_hz)
        self._step = max(1, round(rate_hz / _STEPS_PER_S))
        # Loudness sums powers: a channel counts by the square root of its gain.
        gains = np.sqrt(np.asarray(_CHANNEL_GAINS.get(channels, (1.0,) * channels)))
        self._gains = None if np.all(gains == 1) else gains
        self._stereo = channels == 2
        lanes = 1 if self._stereo else channels
        self._state = np.zeros((len(self._sections), 2, lanes), np.complex128 if self._stereo else np.float64)
        self._rest: Doubles = np.zeros((0, channels))
        self._steps: list[Doubles] = []

    def listen(self, block: Floats) -> None:
        """Take the next samples, float32 [n, channels]."""
        from scipy.signal import sosfilt

        if not len(block):
            return
        lanes = np.ascontiguousarray(block).view(np.complex64) if self._stereo else block
        weighted, self._state = sosfilt(self._sections, lanes, axis=0, zi=self._state)
        values: Doubles = weighted.view(np.float64) if self._stereo else weighted
        if self._gains is not None:
            values = values * self._gains
        if len(self._rest):
            values = np.concatenate([self._rest, values])
        steps = len(values) // self._step
        whole = values[: steps * self._step].reshape(steps, self._step * values.shape[1])
        self._steps.append(np.einsum("ij,ij->i", whole, whole) / self._step)
        self._rest = values[steps * self._step :]

    @property
    def steps(self) -> Doubles:
        """Mean K-weighted power of each 100 ms, summed over channels, float64 [n]; what `integrated_lufs` takes."""
        return np.concatenate(self._steps) if self._steps else np.zeros(0)


def integrated_lufs(steps: Doubles) -> float:
    """Integrated loudness of the powers of 100 ms each; `SILENCE_LUFS` where nothing passes the absolute gate."""
    if not len(steps):
        return SILENCE_LUFS
    width = min(_STEPS_PER_BLOCK, len(steps))
    blocks = np.convolve(steps, np.full(width, 1 / width), mode="valid")
    blocks = blocks[blocks > _power(SILENCE_LUFS)]
    if not len(blocks):
        return SILENCE_LUFS
    blocks = blocks[blocks > blocks.mean() * 10 ** (_RELATIVE_GATE_LU / 10)]
    return max(SILENCE_LUFS, _lufs(float(blocks.mean())))


@cache
def k_weighting(rate_hz: int) -> Doubles:
    """Second-order sections of the K-weighting, float64 [2, 6].

    The standard lists coefficients for 48 kHz only; the analog prototypes behind them, from which every rate follows
    by the bilinear transform, are those of B. De Man, "Evaluation of Implementations of the EBU R128 Loudness
    Measurement" (AES 145, 2018).
    """
    return np.stack(
        [_high_shelf(rate_hz, 1681.974450955533, 3.999843853973347, 0.7071752369554196), _high_pass(rate_hz)]
    )


def _high_shelf(rate_hz: int, corner_hz: float, gain_db: float, q: float) -> Doubles:
    k = math.tan(math.pi * min(corner_hz / rate_hz, 0.49))
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    return np.array([*(value / a0 for value in b), 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _high_pass(rate_hz: int, corner_hz: float = 38.13547087602444, q: float = 0.5003270373238773) -> Doubles:
    k = math.tan(math.pi * corner_hz / rate_hz)
    a0 = 1 + k / q + k * k
    # The numerator is not scaled, as in the standard.
    return np.array([1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))
