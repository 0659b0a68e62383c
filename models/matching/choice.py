"""Which of several candidates a track is, or that nobody can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURES
from models.matching.scoring import THRESHOLDS, Thresholds

#: Mean distance of the nine features, each divided by its scale, up to which two rows hold one recording.
SAME_RECORDING = 0.02
#: Durations this close are equal but for rounding; a candidate that is not must be this much farther away.
_EQUAL_MS = 500

_SCALES = np.array([feature.scale for feature in FEATURES], np.float32)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that may be the track."""

    reference_id: int
    key: tuple[str, str]  #: Halves of the identity key.
    score: float  #: 0..1
    duration_difference_ms: int | None
    values: NDArray[np.float32]  #: [9]


@dataclass(frozen=True, slots=True)
class Choice:
    """The best candidate, and how far behind the next recording is (1 where there is none)."""

    best: Candidate
    margin: float


def same_recording(one: Candidate, other: Candidate) -> bool:
    """Whether two references are so alike in features that it does not matter which one is taken."""
    distance = np.abs(one.values - other.values) / _SCALES
    known = distance[~np.isnan(distance)]
    return len(known) > 0 and float(known.mean()) <= SAME_RECORDING


def choose_exact(candidates: Sequence[Candidate]) -> Choice | None:
    """The candidate under the track's own key whose duration is nearest; none where others are as near and differ.

    Where a duration is unknown, all must hold one recording.
    """
    ordered = sorted(candidates, key=_by_duration)
    best, others = ordered[0], [other for other in ordered[1:] if not same_recording(ordered[0], other)]
    if not others:
        return Choice(best, 1.0)
    mine, next_one = best.duration_difference_ms, others[0].duration_difference_ms
    if mine is None or next_one is None or mine > _EQUAL_MS or next_one - mine < _EQUAL_MS:
        return None
    return Choice(best, best.score - others[0].score)


def choose_near(candidates: Sequence[Candidate], thresholds: Thresholds = THRESHOLDS) -> Choice | None:
    """The candidate with the best score, where every other recording is behind by the margin."""
    ordered = sorted(candidates, key=lambda one: (-one.score, *_by_duration(one)))
    best = ordered[0]
    group = [one for one in ordered if one.key == best.key and best.score - one.score <= thresholds.margin]
    choice = choose_exact(group)
    if choice is None:
        return None
    others = [one for one in ordered if one.key != best.key and not same_recording(choice.best, one)]
    margin = best.score - others[0].score if others else choice.margin
    return Choice(choice.best, margin) if margin >= thresholds.margin or not others else None


def _by_duration(candidate: Candidate) -> tuple[float, int]:
    difference = candidate.duration_difference_ms
    return (float("inf") if difference is None else difference, candidate.reference_id)
