"""The key of a recording."""

import numpy as np
from numpy.typing import NDArray

from audio import key_constants, key_features
from audio.chroma import Chroma, chroma
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from core.audio import Key, KeyName, Mode

Floats = NDArray[np.float64]

#: From this share of the spectrum in clear peaks on, music is as tonal as can be told.
_FULLY_TONAL = 0.2
#: Below this clarity no pitch stands out.
_LEAST_CLARITY = 0.02


def estimate_key(spectra: Spectra) -> Key:
    """Root and mode of up to two minutes of audio; see `core.audio.Key`.

    A conditional logit over the 24 keys (McFadden, 1974), on the correlations with the profiles of Temperley (2004) and
    Faraldo et al. (2016), the degrees, the bass and the chords. Its probability, calibrated, is the confidence; clarity
    is the correlation with the profile of the key (Krumhansl, 1990) times how much of the sound has a pitch.
    """
    if not np.isfinite(spectra.y).all():
        return Key(None, 0.0, 0.0)
    notes = chroma(spectra.y)
    if not notes.frames.any():
        return Key(None, 0.0, 0.0)
    probabilities = choice_probabilities(key_features.features(notes))
    best, second = np.argsort(-probabilities, kind="stable")[:2]
    clarity = _clarity(notes, int(best))
    if clarity < _LEAST_CLARITY:
        return Key(None, clarity, 0.0)
    evidence = key_features.evidence(notes, int(best), float(probabilities[best]), len(spectra.y) / ANALYSIS_RATE_HZ)
    confidence = 1 / (1 + float(np.exp(-evidence @ np.array(key_constants.CONFIDENCE))))
    return Key(_name(int(best)), clarity, confidence, _name(int(second)))


def choice_probabilities(features: Floats) -> Floats:
    """Probability of each key from features [24, features]."""
    scores = features @ np.array(key_constants.WEIGHTS)
    odds = np.exp(scores - scores.max())
    result: Floats = odds / odds.sum()
    return result


def _clarity(notes: Chroma, key: int) -> float:
    fit = max(float(key_features.correlations(notes)[key]), 0.0)
    return fit * min(notes.tonal_share / _FULLY_TONAL, 1.0)


def _name(index: int) -> KeyName:
    return KeyName(index % 12, Mode.MAJOR if index < 12 else Mode.MINOR)
