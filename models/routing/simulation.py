"""A stand-in for recorded answers of a language model with web search, made from true values.

There are no recorded answers to develop with. This error model makes estimates that relate to the predictor M1 as QLTY
does in the platform's study (`models.routing.published`); `simulation_fit` finds its constants. Everything made with it
is to be called simulated.

Every track has a quality, which depends on its genre group, on its popularity and on chance: how much of it is to be
found on the web. Quality decides, with more chance, for each feature whether its value was *found*, and is nearly
right, or *guessed*: scattered around what is typical, whatever the truth. So errors of one track go together. Some of
the guessed tempos are half or twice the true one. A few tracks are *confused* with something altogether else: every
value lies at the wrong end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES, FEATURES, N_FEATURES
from models.evaluation.errors import SCALES
from models.predictors.protocol import Prediction, clip_to_ranges
from models.routing.answer_error import answer_half_widths
from models.routing.genre_groups import GROUPS, genre_groups
from models.routing.protocol import Pair
from models.training_data import ReferenceTable

SEED = 42
#: Popularity at which it changes nothing; also taken where it is unknown.
_USUAL_POPULARITY = 65.0
#: Share of the wrong tempos that are half or twice the true one.
_OCTAVE_ERRORS = 0.3
#: How strongly the features of a track are found together: correlation of the normal variables behind it.
_TOGETHER = 0.6
_TEMPO = FEATURE_NAMES.index("tempo")
_LOW = np.array([feature.low for feature in FEATURES])
_HIGH = np.array([feature.high for feature in FEATURES])
# A language model answers with two decimals, whole BPM, and tenths of a decibel.
_STEPS = np.array([{"tempo": 1.0, "loudness": 0.1}.get(name, 0.01) for name in FEATURE_NAMES])


@dataclass(frozen=True, slots=True)
class Constants:
    """What the fit finds. Lists of nine follow `FEATURE_NAMES`; errors are normalized."""

    found: tuple[float, ...]  #: Nine thresholds: a value is found where the quality, with chance, exceeds it
    near: tuple[float, ...]  #: Nine mean errors of found values
    far: tuple[
        float, ...
    ]  #: Nine mean deviations of guessed values from the typical one, before they are kept in range
    typical: tuple[float, ...]  #: Nine values that guesses scatter around, in each feature's unit
    of_group: tuple[float, ...]  #: Shift of the quality by genre group, in the order of `GROUPS`
    of_popularity: float  #: Shift of the quality for ten points of popularity
    confused: float  #: Share of the tracks that are confused with something else


@dataclass(frozen=True, slots=True)
class Chance:
    """Everything random in a simulation of n tracks."""

    quality: NDArray[np.float64]  #: [n], normal
    found: NDArray[np.float64]  #: [n, 9], normal
    error: NDArray[np.float64]  #: [n, 9], Laplace of scale 1
    octave: NDArray[np.float64]  #: [n], uniform
    confused: NDArray[np.float64]  #: [n], uniform

    @classmethod
    def draw(cls, n: int, seed: int = SEED) -> "Chance":
        """Draw for n tracks."""
        rng = np.random.default_rng(seed)
        wide = (n, N_FEATURES)
        return cls(
            rng.standard_normal(n), rng.standard_normal(wide), rng.laplace(size=wide), rng.random(n), rng.random(n)
        )


def simulate(
    truth: NDArray[np.floating],
    groups: NDArray[np.str_],
    popularity: Sequence[int | None],
    constants: Constants,
    chance: Chance | None = None,
) -> NDArray[np.float32]:
    """Simulated look-ups.

    Parameters
    ----------
    truth
        True features [n, 9] in each feature's unit.
    groups
        Genre groups [n], of `GROUPS`.
    popularity
        Of n tracks, 0..100.
    chance
        Drawn with `SEED` where None: the same tracks in the same order get the same answers.

    Returns
    -------
    values
        [n, 9] in each feature's unit and range.
    """
    chance = Chance.draw(len(truth)) if chance is None else chance
    quality = chance.quality + _expected_quality(groups, popularity, constants)
    spread = np.sqrt(1 - _TOGETHER**2) * chance.found
    found = _TOGETHER * quality[:, None] + spread > np.array(constants.found)
    error = chance.error * np.where(found, constants.near, constants.far)
    values = _kept_in_range(np.where(found, truth, constants.typical) + error * SCALES)
    values[:, _TEMPO] = _wrong_octave(truth[:, _TEMPO], values[:, _TEMPO], ~found[:, _TEMPO], chance)
    wrong_end = np.where(truth - _LOW > _HIGH - truth, _LOW, _HIGH)
    values = np.where((chance.confused < constants.confused)[:, None], wrong_end, values)
    return clip_to_ranges(np.round(values / _STEPS) * _STEPS)


def simulated_pair(base: Prediction, table: ReferenceTable, constants: Constants, seed: int = SEED) -> Pair:
    """The estimates of a predictor for the tracks of a table beside simulated look-ups of them."""
    tracks = table.tracks
    chance = Chance.draw(len(table), seed)
    other = simulate(table.targets, genre_groups(tracks.genres), tracks.popularity, constants, chance)
    unsure = np.broadcast_to(answer_half_widths(), other.shape)
    return Pair(base.values, base.uncertainty, other, unsure, tracks.genres, tracks.popularity)


def _expected_quality(
    groups: NDArray[np.str_], popularity: Sequence[int | None], constants: Constants
) -> NDArray[np.float64]:
    shift = dict(zip(GROUPS, constants.of_group, strict=True))
    known = np.array(popularity, dtype=np.float64)
    tens = np.where(np.isnan(known), 0.0, (known - _USUAL_POPULARITY) / 10)
    return np.array([shift[group] for group in groups.tolist()]) + constants.of_popularity * tens


def _wrong_octave(
    truth: NDArray[np.floating], tempo: NDArray[np.float64], guessed: NDArray[np.bool_], chance: Chance
) -> NDArray[np.float64]:
    """Tempos [n], some of the guessed ones replaced by half the true one, or twice it where that is a tempo, too."""
    twice = 2 * truth < 200
    other = np.where(twice, 2 * truth, truth / 2)
    return np.where(guessed & (chance.octave < _OCTAVE_ERRORS), other, tempo)


def _kept_in_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values [n, 9] beyond a bound reflected at it: who guesses does not guess the bound."""
    values = np.where(values < _LOW, 2 * _LOW - values, values)
    values = np.where(values > _HIGH, 2 * _HIGH - values, values)
    return np.clip(values, _LOW, _HIGH)
