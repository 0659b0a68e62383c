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
PULSES = (1 / 4, 1 / 3, 1 / 2, 1.0, 3 / 2, 2.0, 3.0, 4.0)
_BANDS = 4
#: Lags in beats that the bands must agree on.
_SHARED_LAGS = (1.0, 2.0, 3.0, 4.0)


def _beats(values: tuple[float, ...]) -> list[str]:
    return [f"{value:.3g}" for value in values]


NAMES: tuple[str, ...] = (
    "tempo",
    "tempo squared",
    *(f"{what} {band}" for band in ("low", "chords", "mid", "high", "all") for what in ("rate", "rate squared")),
    *(f"lag {lag} {a}{b}" for a, b in PAIRS for lag in _beats(LAGS)),
    *(f"pulse {pulse} {a}{b}" for a, b in PAIRS for pulse in _beats(PULSES)),
    *(f"least {lag}" for lag in _beats(_SHARED_LAGS)),
    "bar",
    "least bar",
    *(f"most {lag}" for lag in ("1", "2", "4")),
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
    return np.stack(columns + _agreement(periodicity, periods_s), axis=1)


def _agreement(periodicity: Periodicity, periods_s: Floats) -> list[Floats]:
    """What the bands say together: a riff in threes repeats in one band, the bar in all of them."""
    lags = periodicity.at_lags(periods_s[:, None] * np.array(_SHARED_LAGS))[:_BANDS]
    sounding = periodicity.correlations[:_BANDS, 0] > 0
    least = np.min(lags, axis=0, where=sounding[:, None, None], initial=1.0)
    most, together = lags.max(axis=0), lags.sum(axis=0)
    bars = [together[:, 2:].max(axis=1), least[:, 2:].max(axis=1)]
    return [*least.T, *bars, most[:, 0], most[:, 1], most[:, 3]]
