"""The key of a recording."""

import numpy as np
from numpy.typing import NDArray

from audio import key_constants, key_features
from audio.chroma import Chroma, chroma
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from core.audio import Key, KeyName, Mode

Floats = NDArray[np.float64]

#: Share of the spectrum in clear peaks from which on music is tonal at all, and from which on it cannot be more so:
#: drums and noise stay below .06 mostly, songs are above .1.
_ATONAL, _FULLY_TONAL = 0.05, 0.12
#: Correlation with a key's profile that no key has by chance, and that of a profile itself.
_NO_FIT, _FULL_FIT = 0.4, 1.0
#: Below this share of clear peaks no pitch stands out. Noisy music has a key yet where it is far from clear.
_LEAST_TONAL = 0.005


def estimate_key(spectra: Spectra) -> Key:
    """Root and mode of up to two minutes of audio; see `core.audio.Key`.

    A conditional logit over the 24 keys (McFadden, 1974), on the correlations with four published profiles, and on
    cadences, chords and degrees that tell a key from its relatives. Its probability, calibrated, is the confidence;
    clarity is the correlation with the profile of the key (Krumhansl, 1990) times how much of the sound has a pitch.
    """
    if not np.isfinite(spectra.y).all():
        return Key(None, 0.0, 0.0)
    notes = chroma(spectra.y)
    if not notes.frames.any():
        return Key(None, 0.0, 0.0)
    probabilities = choice_probabilities(key_features.features(notes))
    best, second = np.argsort(-probabilities, kind="stable")[:2]
    clarity = _clarity(notes, int(best))
    if notes.tonal_share < _LEAST_TONAL:
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
    fit = (float(key_features.correlations(notes)[key]) - _NO_FIT) / (_FULL_FIT - _NO_FIT)
    tonal = (notes.tonal_share - _ATONAL) / (_FULLY_TONAL - _ATONAL)
    return float(np.clip(fit, 0, 1) * np.clip(tonal, 0, 1))


def _name(index: int) -> KeyName:
    return KeyName(index % 12, Mode.MAJOR if index < 12 else Mode.MINOR)
