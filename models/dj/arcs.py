"""The course of energy over a set."""

from enum import StrEnum

import numpy as np

from models.dj.goals import Aim

#: How exciting and how calm the library's ends are; a slope below this, over the whole set, counts as level.
_LEVEL_SLOPE = 0.3


class Arc(StrEnum):
    """Shapes of a set: `_POINTS` has what they look like."""

    STEADY = "steady"
    BUILD = "build"
    RELEASE = "release"
    BUILD_PEAK_RELEASE = "build-peak-release"
    WAVE = "wave"


#: Points (part of the set, height) that each arc connects by lines; heights go from the library's calm end (0) to its
#: energetic end (1).
_POINTS: dict[Arc, tuple[tuple[float, float], ...]] = {
    Arc.STEADY: ((0, 0.6), (1, 0.6)),
    Arc.BUILD: ((0, 0.2), (1, 1.0)),
    Arc.RELEASE: ((0, 0.9), (1, 0.1)),
    Arc.BUILD_PEAK_RELEASE: ((0, 0.3), (0.6, 1.0), (0.75, 1.0), (1, 0.3)),
    Arc.WAVE: ((0, 0.4), (0.2, 0.85), (0.4, 0.4), (0.6, 0.9), (0.8, 0.45), (1, 0.8)),
}


def height(arc: Arc, part: float) -> float:
    """The height (0..1) of the arc at this part (0..1) of the set."""
    parts, heights = zip(*_POINTS[arc], strict=True)
    return float(np.interp(part, parts, heights))


def aim_at(arc: Arc, part: float, low: float, high: float) -> Aim:
    """What a track at this part of the set should do, in a library whose energies go from `low` to `high`."""
    ahead, behind = min(part + 0.05, 1.0), max(part - 0.05, 0.0)
    slope = (height(arc, ahead) - height(arc, behind)) / (ahead - behind)
    hype = 0 if abs(slope) < _LEVEL_SLOPE else 1 if slope > 0 else -1
    return Aim(low + (high - low) * height(arc, part), hype)
