"""How sure a tempo is."""

import numpy as np
from numpy.typing import NDArray

from audio import tempo_constants, tempo_features
from audio.tempo_periods import Periodicity

Floats = NDArray[np.float64]

#: What the confidence is made of.
EVIDENCE = ("constant", "log odds", "clarity", "log seconds")
#: Correlations are compared at these many beats when a recording is asked for a beat at all.
_CLARITY_LAGS = (1.0, 2.0, 4.0)
#: Which octave listeners tap is a matter of convention. On kinds of music that the model had not seen, 3 % of its
#: surest readings were wrong, nearly all by an octave, and 1 % where the three conditions of `limited` held.
_HIGHEST, _HIGHEST_CORROBORATED = 0.9, 0.97
_COMMON_BPM = (95.0, 150.0)
#: How much of an octave's weight is taken from what may be stated; all of it would state too little.
_OCTAVE_DOUBT = 0.8
_OCTAVE_WEIGHT = 0.01
_BAR = 0.2
_SAME = 0.04


def confidence(
    periodicity: Periodicity, periods_s: Floats, features: Floats, probabilities: Floats, seconds: float
) -> float:
    """Probability that the most probable candidate is right, 0..0.97; above 0.9 only where it is corroborated.

    Logistic regression on the evidence (Platt, "Probabilistic Outputs for Support Vector Machines", 1999), then a limit
    that no evidence of one recording can lift.
    """
    rows = evidence(periodicity, periods_s, probabilities, seconds)
    stated = 1 / (1 + float(np.exp(-rows @ np.array(tempo_constants.CONFIDENCE))))
    return limited(stated, periods_s, features, probabilities)


def evidence(periodicity: Periodicity, periods_s: Floats, probabilities: Floats, seconds: float) -> Floats:
    """What tells how likely the choice is right, float64 [len(EVIDENCE)].

    The log odds of the choice, how clearly onsets repeat at the chosen beat and its multiples, and how much was heard.
    """
    best = int(np.argmax(probabilities))
    probability = min(max(float(probabilities[best]), 1e-4), 1 - 1e-4)
    bands = len(periodicity.rates_hz) - 1
    clarity = periodicity.at_lags(periods_s[best] * np.array(_CLARITY_LAGS))[:bands].mean(axis=0).max()
    return np.array([1.0, np.log(probability / (1 - probability)), float(clarity), np.log(min(seconds, 60.0) / 30)])


def limited(stated: float, periods_s: Floats, features: Floats, probabilities: Floats) -> float:
    """`stated`, or the most that may be stated of such a choice.

    It may pass 0.9 if the tempo is a common one, no octave of it has weight, and every band repeats from bar to bar.
    """
    best = int(np.argmax(probabilities))
    ratios = periods_s / periods_s[best]
    octaves = np.minimum(np.abs(ratios / 2 - 1), np.abs(ratios * 2 - 1)) < _SAME
    weight = float(probabilities[octaves].sum())
    slowest, fastest = _COMMON_BPM
    corroborated = (
        slowest <= 60 / periods_s[best] <= fastest
        and weight < _OCTAVE_WEIGHT
        and features[best, tempo_features.NAMES.index("least bar")] > _BAR
    )
    return min(stated, _HIGHEST_CORROBORATED if corroborated else _HIGHEST, 1 - _OCTAVE_DOUBT * weight)
