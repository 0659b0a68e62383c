"""The terms that rank what may come next: one function each, 0..1, NaN where nothing is known."""

import numpy as np
from numpy.typing import NDArray

from core.audio_settings import DjSettings
from models.dj.candidates import Candidates
from models.dj.columns import place
from models.dj.goals import Aim, energy_score, hype_score
from models.dj.keys import compatible
from models.dj.library import Current
from models.dj.scale import Scale

Floats = NDArray[np.float32]

#: What a track scores of which nothing is known: neither good nor bad.
NEUTRAL = 0.5
#: A tempo that is not known is worse than one at the edge of the tolerance, and better than one far off.
_UNKNOWN_TEMPO = 0.25
#: Half and double time work, but not as surely as the same tempo.
_OCTAVE = 0.85
#: Share of variation in the term of diversity, and the change that is called gentle.
_VARIATION = 0.3
_GENTLE = 0.15


def all_terms(scale: Scale, current: Current, found: Candidates, aim: Aim, settings: DjSettings) -> dict[str, Floats]:
    """Every term of `DjWeights`, by its name, float32 [c]; `scale` is the library's."""
    hype_now = float(scale.hype(current.numbers[:, None])[0])
    terms = {
        "similarity": scale.likeness(found.cosines),
        "energy": energy_score(aim, found["whole_energy"], scale.energy_low, scale.energy_high),
        "low_end": low_end(current, found),
        "mixability": found["intro_mixability"],
        "key": key(current, found, settings.key_rules),
        "hype": hype_score(aim, scale.hype(found.numbers), hype_now),
        "tempo": tempo(current, found, settings.bpm_tolerance),
        "diversity": diversity(scale, found) if settings.recent else np.nan * found.cosines,
    }
    return {name: np.clip(np.nan_to_num(term, nan=NEUTRAL), 0, 1) for name, term in terms.items()}


def low_end(current: Current, found: Candidates) -> Floats:
    """1 less the product of both shares of power below 150 Hz: low only where outro and intro are heavy at once."""
    playing = current["outro_sub"] + current["outro_bass"]
    score: Floats = 1 - np.clip(playing, 0, 1) * np.clip(found["intro_sub"] + found["intro_bass"], 0, 1)
    return score


def key(current: Current, found: Candidates, rules: str) -> Floats:
    """Compatibility by the rules, as far as both keys are clear; the rest is neutral."""
    clarity = np.minimum(np.float32(current["key_clarity"]), found["key_clarity"])
    score: Floats = NEUTRAL + clarity * (compatible(current["key"], found["key"], rules) - NEUTRAL)
    return score


def tempo(current: Current, found: Candidates, tolerance_bpm: float) -> Floats:
    """Closeness of tempos, as far as both are sure; 1 where they are equal, 0.5 at the edge of the tolerance."""
    closeness = np.clip(1 - found.tempo.difference_bpm / (2 * tolerance_bpm), 0, 1)
    closeness = closeness * np.where(found.tempo.relation == 0, np.float32(1), np.float32(_OCTAVE))
    sureness = np.minimum(np.float32(current["tempo_confidence"]), found["tempo_confidence"])
    known = np.nan_to_num(sureness, nan=0.0) * ~np.isnan(closeness)
    score: Floats = known * np.nan_to_num(closeness, nan=0.0) + (1 - known) * np.float32(_UNKNOWN_TEMPO)
    return score


def diversity(scale: Scale, found: Candidates) -> Floats:
    """Not the same sound again (0.7), with gentle variation of vocals, brightness and bass (0.3).

    The first part is 1 less the largest likeness with the tracks before, the penalty of maximal
    marginal relevance (Carbonell and Goldstein, SIGIR 1998); two tracks are as alike as their intros and outros are on
    average. The second is the mean over the three columns of a Gaussian around a change of 0.15 from their mean.
    """
    cosines = np.float32(0.5) * (found.intro_likeness + found.outro_likeness)
    repetition = scale.likeness(cosines).max(axis=1)
    places = [place(f"whole_{name}") for name in ("vocal_presence", "brightness", "bass")]
    change = np.abs(found.numbers[places].T - found.before[places].mean(axis=1))
    variation = np.exp(-0.5 * np.square((change - _GENTLE) / _GENTLE)).mean(axis=1)
    score: Floats = (1 - _VARIATION) * (1 - repetition) + _VARIATION * np.nan_to_num(variation, nan=NEUTRAL)
    return score
