"""What the next track should do to the energy of the room."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: A target that is missed by this much energy scores 0.61, one missed by twice as much 0.14.
_WIDTH = 0.1


class Goal(StrEnum):
    """Where the energy goes."""

    MAINTAIN = "maintain"
    UP = "up"
    DOWN = "down"
    PEAK = "peak"


@dataclass(frozen=True, slots=True)
class Aim:
    """A goal, or a step of an arc, in numbers.

    `energy` is the energy (0..1) that the next track should have; None where the more the better (`Goal.PEAK`), or
    where nothing is known of the track that plays. `hype` is 1 where exciting tracks are preferred, -1 where calm ones
    are, and 0 where the next track should be as exciting as this one.
    """

    energy: float | None
    hype: int
    peak: bool = False


def aim_of(goal: Goal, energy: float, step: float, low: float, high: float) -> Aim:
    """The aim after a track of this `energy` (NaN where unknown) in a library whose energies go from `low` to `high`.

    Up and down are one `step` away, but no further than the library reaches.
    """
    hype = {Goal.UP: 1, Goal.PEAK: 1, Goal.DOWN: -1, Goal.MAINTAIN: 0}[goal]
    if goal is Goal.PEAK:
        return Aim(None, hype, peak=True)
    if np.isnan(energy):
        return Aim(None, hype)
    target = {
        Goal.UP: max(energy, min(energy + step, high)),
        Goal.DOWN: min(energy, max(energy - step, low)),
        Goal.MAINTAIN: energy,
    }[goal]
    return Aim(target, hype)


def energy_score(aim: Aim, energy: Floats, low: float, high: float) -> Floats:
    """How well energies [c] meet the aim, 0..1; NaN where that is not known.

    A Gaussian around the target; the place between the library's `low` and `high` where the aim is the peak.
    """
    if aim.peak:
        scores: Floats = np.clip((energy - low) / max(high - low, 1e-6), 0, 1)
    elif aim.energy is None:
        scores = np.full_like(energy, np.nan)
    else:
        scores = np.exp(-0.5 * np.square((energy - aim.energy) / _WIDTH))
    return scores


def hype_score(aim: Aim, hype: Floats, current: float) -> Floats:
    """How well the hype [c] (0..1) of candidates fits the aim after a track of hype `current`, 0..1."""
    if aim.hype > 0:
        return hype
    scores: Floats = 1 - hype if aim.hype < 0 else 1 - np.abs(hype - np.float32(current))
    return scores
