"""Tempo with its octave resolved, and how sure that is."""

import numpy as np
from numpy.typing import NDArray

from audio import tempo_confidence, tempo_constants, tempo_features, tempo_periods
from audio.beats import onsets_at, track_beats
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from core.audio import Tempo, TempoCandidate

Floats = NDArray[np.float64]

_SHORTEST_S = 1.5
_CANDIDATES = 5
#: Below this probability of being right there is no beat to speak of.
_LEAST_CONFIDENCE = 0.15
#: A tempo is steady if a grid of equal beats falls on this share of the onsets that tracked beats fall on.
_STEADY = 0.6
#: A drifting tempo's mean is this close to its most frequent one, as a share, or the beats were not tracked well.
_MOST_DRIFT = 0.03
#: Closer than this they say the same, and there is nothing to decide.
_NO_DRIFT = 0.0002
#: An interval this far from the mean, as a share, means that a beat was missed or added.
_SLIP = 0.15
_FEWEST_BEATS = 16
#: Times the length in seconds, the accuracy of a tempo in beats per minute.
_RESOLUTION = 1.2


def estimate_tempo(spectra: Spectra) -> Tempo:
    """Beats per minute of up to two minutes of audio; see `core.audio.Tempo`.

    Candidates are periods that the onsets of four bands repeat at, and their simple ratios. A conditional logit
    (McFadden, 1974) over features of the whole metrical hierarchy picks one, the tactus, so that octaves are decided
    by subdivisions, backbeat and bars together (compare Peeters, "Template-Based Estimation of Time-Varying Tempo",
    2007).
    Its probability, and how clearly anything repeats, make the confidence; see `audio.tempo_confidence`.
    """
    if len(spectra.y) < _SHORTEST_S * ANALYSIS_RATE_HZ or not np.isfinite(spectra.y).all():
        return Tempo(None, 0.0)
    periodicity = tempo_periods.measure(spectra.band_onsets, spectra.onset_rate_hz, tempo_features.PAIRS)
    periods = tempo_periods.candidate_periods(periodicity)
    if not len(periods):
        return Tempo(None, 0.0)
    features = tempo_features.features(periodicity, periods)
    probabilities = choice_probabilities(features)
    order = np.argsort(-probabilities, kind="stable")[:_CANDIDATES]
    best = float(periods[order[0]])
    seconds = len(spectra.y) / ANALYSIS_RATE_HZ
    confidence = tempo_confidence.confidence(periodicity, periods, features, probabilities, seconds)
    if confidence < _LEAST_CONFIDENCE:
        return Tempo(None, confidence)
    ratio = best / _mean_period(spectra, best)
    ratio *= _near_whole(60 / best * ratio, seconds) / (60 / best * ratio)
    candidates = tuple(TempoCandidate(round(60 / float(periods[i]) * ratio, 2), float(probabilities[i])) for i in order)
    return Tempo(candidates[0].bpm, confidence, candidates)


def choice_probabilities(features: Floats) -> Floats:
    """Probability of each candidate, given that one is right, from features [candidates, features]."""
    scores = features @ np.array(tempo_constants.WEIGHTS)
    odds = np.exp(scores - scores.max())
    result: Floats = odds / odds.sum()
    return result


def _near_whole(bpm: float, seconds: float) -> float:
    """The whole number next to `bpm` where the recording is too short to tell them apart.

    Most music that keeps a steady tempo was made to a clock set to whole beats per minute.
    """
    whole = float(round(bpm))
    return whole if abs(bpm - whole) < _RESOLUTION / seconds else bpm


def _mean_period(spectra: Spectra, period_s: float) -> float:
    """`period_s`, or where the tempo drifts the mean interval of tracked beats.

    A spectrum of the whole recording is the most precise for a steady tempo, and shows only the most frequent tempo of
    one that drifts. It drifts if onsets fall on tracked beats and on no steady grid.
    """
    beats = track_beats(spectra, 60 / period_s)
    if len(beats) < _FEWEST_BEATS:
        return period_s
    mean = float((beats[-1] - beats[0]) / (len(beats) - 1))
    if np.abs(np.diff(beats) / mean - 1).max() > _SLIP or not _NO_DRIFT < abs(mean / period_s - 1) < _MOST_DRIFT:
        return period_s
    grid = beats[0] + period_s * np.arange(len(beats))
    shifts = np.arange(-0.5, 0.5, 0.05) * period_s
    steady = onsets_at(spectra, grid + shifts[:, None]).max()
    return period_s if steady > _STEADY * onsets_at(spectra, beats) else mean
