"""What is heard while two tracks sound at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.dj.beat_grid import STEPS, BeatGrid

Floats = NDArray[np.float32]

#: The share of the low end that two equal ones have in common in a crossfade of equal power: the mean of the smaller
#: of squared sine and cosine, doubled.
_WORST_OVERLAP = 1 - 2 / np.pi
#: A level this far off, in dB on average, scores 0.37.
_PUMPING_DB = 6.0
#: Onsets this many steps apart, up to a quarter of a beat, are heard as one hit played badly.
_FLAM_STEPS = 2
#: Onset envelopes that vary less than this have no onsets to speak of.
_FLAT = 0.03


@dataclass(frozen=True, slots=True)
class Windows:
    """The same number of beats from w places of a grid; t steps."""

    low_end: Floats  #: [w, t]
    level: Floats  #: [w, t]
    onsets: Floats  #: [w, t]

    @classmethod
    def of(cls, grid: BeatGrid, starts: NDArray[np.intp], n_beats: int) -> "Windows":
        """The windows that begin at these beats."""
        return cls(*grid.read(starts, n_beats))


def judge(out: Windows, into: Windows, gain_db: float, on_beat: bool) -> dict[str, Floats]:
    """Scores of all a x b pairs of windows, 0..1, float32 [a, b]: bass, level and transients.

    The outgoing windows fade out while the incoming ones, raised by `gain_db`, fade in, at equal power.
    """
    t = out.level.shape[1]
    fade_in = np.square(np.sin(np.pi / 2 * (np.arange(t) + 0.5) / t)).astype(np.float32)
    gain = np.float32(10 ** (gain_db / 10))
    out_gain, in_gain = 1 - fade_in, gain * fade_in
    total = (out.level * out_gain)[:, None] + (into.level * in_gain)[None]
    both = np.minimum((out.low_end * out_gain)[:, None], (into.low_end * in_gain)[None])
    return {
        "bass": _bass(both, total),
        "level": _level(total, out.level, into.level * gain),
        "transients": _transients(out.onsets, into.onsets) if on_beat else np.full(total.shape[:2], 0.5, np.float32),
    }


def _bass(both: Floats, total: Floats) -> Floats:
    """1 less the share of the power that is low end of both tracks at once; 0 is the worst there is."""
    share = 2 * both.sum(axis=2) / np.maximum(total.sum(axis=2), 1e-12)
    score: Floats = np.clip(1 - share / np.float32(_WORST_OVERLAP), 0, 1)
    return score


def _level(total: Floats, out: Floats, into: Floats) -> Floats:
    """How closely the level of the sum, beat by beat, follows a line from where it came from to where it goes."""
    a, b, t = total.shape
    beats = t // STEPS
    edge = 4 * STEPS
    before = _decibels(out[:, :edge].mean(axis=1))
    after = _decibels(into[:, -edge:].mean(axis=1))
    heard = _decibels(total.reshape(a, b, beats, STEPS).mean(axis=3))
    along = np.linspace(0, 1, beats, dtype=np.float32)
    target = before[:, None, None] * (1 - along) + after[None, :, None] * along
    off = np.sqrt(np.square(heard - target).mean(axis=2))
    score: Floats = np.exp(-off / np.float32(_PUMPING_DB))
    return score


def _transients(out: Floats, into: Floats) -> Floats:
    """How well onsets coincide: their correlation on the beat, less what it gains by moving a quarter of a beat.

    Where one of both has no onsets there is nothing to clash.
    """
    first, flat_out = _standard(out)
    at_lag = []
    for lag in range(-_FLAM_STEPS, _FLAM_STEPS + 1):
        second, flat_in = _standard(np.roll(into, lag, axis=1))
        at_lag.append(first @ second.T / out.shape[1])
    met = at_lag[_FLAM_STEPS]
    flam = np.maximum(np.max(at_lag, axis=0) - met, 0)
    score = np.clip((1 + met - flam) / 2, 0, 1)
    return np.where(flat_out[:, None] | flat_in[None, :], np.float32(1), score)


def _standard(onsets: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    spread = onsets.std(axis=1)
    standard: Floats = (onsets - onsets.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6)[:, None]
    return standard, spread < _FLAT


def _decibels(power: Floats) -> Floats:
    levels: Floats = 10 * np.log10(np.maximum(power, 1e-6))
    return levels
