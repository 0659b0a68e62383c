"""The measures: tempo accuracies, the MIREX key score, the beat F-measure, intervals, calibration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio import KeyName, Mode

#: Factors of the true tempo that accuracy 2 allows.
OCTAVES = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)
TOLERANCE = 0.04
PRECISE = 0.002
_BEAT_WINDOW_S = 0.07
_SETTLING_S = 5.0
_Z = 1.96
_BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over recordings with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Estimates of a like confidence."""

    low: float
    high: float
    n: int
    confidence: float  #: Their mean
    right: float  #: The share of them that is right


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence is the probability of being right."""

    n: int
    expected_error: float  #: Mean distance of confidence and share right over bins (ECE), weighted by their size
    brier: float  #: Mean squared difference of confidence and 1 for right, 0 for wrong
    brier_of_constant: float  #: The same, if every confidence were the share right
    highest_wrong: float | None  #: The highest confidence of an estimate that is wrong
    highest_wrong_octave: float | None  #: The same of those that are right but for the octave; None for keys
    wrong_above_90: float | None  #: The share of the wrong ones whose confidence exceeds .9
    bins: list[Bin]


def tempo_right(bpm: float | None, truths: Sequence[float], tolerance: float, *, octaves: bool) -> bool:
    """Whether a tempo is within the tolerance (a share) of one of the true ones, or of an octave of it."""
    factors = OCTAVES if octaves else (1.0,)
    return bpm is not None and any(abs(bpm / (truth * f) - 1) <= tolerance for truth in truths for f in factors)


def mirex_score(key: KeyName | None, truth: KeyName) -> float:
    """1 for the key, .5 for a fifth above it in the same mode, .3 for the relative, .2 for the parallel key.

    As the weighted score of MIREX's audio key detection; a fifth below counts nothing, as in `mir_eval`.
    """
    if key is None:
        return 0.0
    steps = (key.root - truth.root) % 12
    if key.mode is truth.mode:
        return 1.0 if steps == 0 else 0.5 if steps == 7 else 0.0
    relative = 9 if truth.mode is Mode.MAJOR else 3
    return 0.3 if steps == relative else 0.2 if steps == 0 else 0.0


def beat_f_measure(beats_s: Sequence[float], truth_s: Sequence[float]) -> float:
    """F-measure of beats within 70 ms of true ones, each matched once, from 5 s on.

    Dixon, Evaluation of the audio beat tracking system BeatRoot (JNMR 2007), with the rules of `mir_eval`.
    """
    found = [beat for beat in beats_s if beat >= _SETTLING_S]
    true = [beat for beat in truth_s if beat >= _SETTLING_S]
    if not found or not true:
        return 0.0
    i = j = hits = 0
    while i < len(found) and j < len(true):
        apart = found[i] - true[j]
        if abs(apart) <= _BEAT_WINDOW_S:
            hits, i, j = hits + 1, i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return 2 * hits / (len(found) + len(true))


def share(right: Sequence[bool]) -> Figure:
    """The share of true values, with Wilson's interval (JASA 1927)."""
    n = len(right)
    if not n:
        return Figure(math.nan, math.nan, math.nan, 0)
    p = sum(right) / n
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return Figure(p, max(middle - half, 0.0), min(middle + half, 1.0), n)


def mean(values: Sequence[float]) -> Figure:
    """The mean, with a bootstrap interval of percentiles (1,000 samples, always the same)."""
    if not values:
        return Figure(math.nan, math.nan, math.nan, 0)
    own = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(0).integers(0, len(own), (1000, len(own)))
    low, high = np.quantile(own[draws].mean(axis=1), [0.025, 0.975])
    return Figure(float(own.mean()), float(low), float(high), len(own))


def calibration(
    confidences: Sequence[float], right: Sequence[bool], octave_wrong: Sequence[bool] | None = None
) -> Calibration | None:
    """Hold confidences against what was right; None without any."""
    if not confidences:
        return None
    c, r = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    bins = _bins(c, r)
    octave = np.asarray(octave_wrong if octave_wrong is not None else np.zeros(len(c)), dtype=bool)
    wrong = c[r == 0]
    return Calibration(
        n=len(c),
        expected_error=sum(each.n * abs(each.confidence - each.right) for each in bins) / len(c),
        brier=float(np.mean((c - r) ** 2)),
        brier_of_constant=float(np.var(r)),
        highest_wrong=_highest(wrong),
        highest_wrong_octave=_highest(c[octave]),
        wrong_above_90=float(np.mean(wrong > 0.9)) if len(wrong) else None,
        bins=bins,
    )


def _bins(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> list[Bin]:
    place = np.clip((confidence * _BINS).astype(int), 0, _BINS - 1)
    return [
        Bin(b / _BINS, (b + 1) / _BINS, int(own.sum()), float(confidence[own].mean()), float(right[own].mean()))
        for b in range(_BINS)
        if (own := place == b).any()
    ]


def _highest(values: NDArray[np.float64]) -> float | None:
    return float(values.max()) if len(values) else None
