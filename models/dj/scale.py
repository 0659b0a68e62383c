"""What is usual in a library, so that numbers of different kinds can be compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.dj.columns import place

Floats = NDArray[np.float32]

#: Columns that excite, together.
_HYPE = ("whole_energy", "whole_onset_density", "whole_percussive_ratio")
_PAIRS = 4_000


@dataclass(frozen=True, slots=True)
class Scale:
    """Ranges and averages of a library."""

    energy_low: float  #: Energy that 5 % of the tracks stay below.
    energy_high: float  #: Energy that 5 % of the tracks exceed.
    hype_mean: Floats  #: [3], of energy, onset density and percussive ratio
    hype_spread: Floats  #: [3], standard deviations
    cosine_floor: float  #: Cosine of an outro and an intro that have little in common.

    def likeness(self, cosines: Floats) -> Floats:
        """Cosines as 0..1: 0 where little is common in this library, 1 where vectors are equal.

        Vectors of one space often all point in similar directions, so the cosine itself says little.
        """
        likeness: Floats = np.clip((cosines - self.cosine_floor) / (1 - self.cosine_floor), 0, 1)
        return likeness

    def hype(self, numbers: Floats) -> Floats:
        """How exciting tracks [N_COLUMNS, c] are, 0..1; 0.5 is the library's average.

        The mean of the z-scores of energy, onset density and percussive ratio, through a logistic function. NaN where
        one of them is not known.
        """
        z = (numbers[[place(name) for name in _HYPE]].T - self.hype_mean) / self.hype_spread
        hype: Floats = 1 / (1 + np.exp(-1.5 * z.mean(axis=1)))
        return hype


def scale_of(numbers: Floats, intro: Floats, outro: Floats) -> Scale:
    """The scale of a library: its numbers [N_COLUMNS, n] and vectors [n, d]. An empty one has a harmless scale."""
    energy = numbers[place("whole_energy")]
    known = energy[~np.isnan(energy)]
    low, high = np.quantile(known, (0.05, 0.95)) if len(known) else (0.0, 1.0)
    mean, spread = zip(*(_average(numbers[place(name)]) for name in _HYPE), strict=True)
    return Scale(
        float(low), float(high), np.array(mean, np.float32), np.array(spread, np.float32), _floor(intro, outro)
    )


def _average(column: Floats) -> tuple[float, float]:
    """Mean and standard deviation of what is known; a column that is all the same has the deviation 1."""
    known = column[~np.isnan(column)].astype(np.float64)
    if not len(known):
        return 0.0, 1.0
    spread = float(known.std())
    return float(known.mean()), spread if spread > 1e-6 else 1.0


def _floor(intro: Floats, outro: Floats) -> float:
    """Two standard deviations below the mean cosine of outros with intros of other tracks."""
    n = len(intro)
    if n < 2:
        return 0.0
    rng = np.random.default_rng(0)
    first = rng.integers(0, n, _PAIRS)
    second = (first + rng.integers(1, n, _PAIRS)) % n
    cosines = np.einsum("nd,nd->n", outro[first], intro[second])
    return float(np.clip(cosines.mean() - 2 * cosines.std(), -1, 0.999))
