"""What speaks for and against a candidate of the tempo: one row of numbers for each."""

import numpy as np
from numpy.typing import NDArray

from audio.tempo_periods import Periodicity

Floats = NDArray[np.float64]

#: Correlations that are measured: each band with itself, then kick with snare and kick with hats.
PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 2), (0, 3))
#: Lags in beats that correlations are read at: subdivisions, the beat, groups of beats and bars.
LAGS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 3 / 2, 2.0, 3.0, 4.0)
#: Frequencies in cycles per beat that the strength of pulses is read at.
PULSES = (
    1 / 4,
    1 / 3,
    1 / 2,
    1.0,
    3 / 2,
    2.0,
    3.0,
    4.0,
)  #: Correlations are compared in this many beats when a recording is asked for a beat at all.
_EVIDENCE_LAGS = (1.0, 2.0, 4.0)


def _beats(values: tuple[float, ...]) -> list[str]:
    return [f"{value:.3g}" for value in values]


NAMES: tuple[str, ...] = (
    "tempo",
    "tempo squared",
    *(f"{what} {band}" for band in ("low", "chords", "mid", "high", "all") for what in ("rate", "rate squared")),
    *(f"lag {lag} {a}{b}" for a, b in PAIRS for lag in _beats(LAGS)),
    *(f"pulse {pulse} {a}{b}" for a, b in PAIRS for pulse in _beats(PULSES)),
)


def features(periodicity: Periodicity, periods_s: Floats) -> Floats:
    """Features of each candidate, float64 [candidates, len(NAMES)]."""
    tempo = np.log2(60 / periods_s / 120)
    rates = np.log2(np.maximum(periodicity.rates_hz[:, None] * periods_s, 0.05))
    lags = periodicity.at_lags(periods_s[:, None] * np.array(LAGS))
    pulses = periodicity.pulses(np.array(PULSES) / periods_s[:, None])
    columns = [tempo, tempo**2]
    for rate in rates:
        columns += [rate, rate**2]
    columns += [lags[pair, :, i] for pair in range(len(PAIRS)) for i in range(len(LAGS))]
    columns += [pulses[pair, :, i] for pair in range(len(PAIRS)) for i in range(len(PULSES))]
    return np.stack(columns, axis=1)


#: What the confidence is made of.
EVIDENCE = ("constant", "log odds", "clarity", "log seconds")


def evidence(periodicity: Periodicity, period_s: float, probability: float, seconds: float) -> Floats:
    """What tells how likely the choice is right, float64 [len(EVIDENCE)].

    The log odds of the choice, how clearly onsets repeat at the chosen beat and its multiples, and how much was heard.
    """
    probability = min(max(probability, 1e-4), 1 - 1e-4)
    bands = len(periodicity.rates_hz) - 1
    clarity = periodicity.at_lags(period_s * np.array(_EVIDENCE_LAGS))[:bands].mean(axis=0).max()
    return np.array([1.0, np.log(probability / (1 - probability)), float(clarity), np.log(min(seconds, 60.0) / 30)])
