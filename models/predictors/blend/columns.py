"""The columns that the boosted trees read."""

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.blend.description import Description
from models.predictors.blend.first_stage import FirstGuess
from models.predictors.blend.memory import Recollection
from models.predictors.blend.numbers import splines

#: Artists that are in the memory, and all others.
KNOWN, UNKNOWN = "known", "unknown"

_BY_YEAR = slice(0, N_FEATURES)
_BY_ALBUM = slice(N_FEATURES, 2 * N_FEATURES)
_CREDITED = slice(2 * N_FEATURES, 3 * N_FEATURES)
_OF_ARTIST = slice(3 * N_FEATURES, 3 * N_FEATURES + 2)
_OF_CREDITS = slice(3 * N_FEATURES + 2, 3 * N_FEATURES + 3)
# The networks' inner quantiles add nothing to the outer ones.
_LOWEST, _HIGHEST = 0, -1


def judge_columns(kind: str, described: Description, guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    """Columns for the trees of a judge, [n, c]; those for unknown artists hold nothing of the artist's other tracks."""
    columns = _unknown_artist_columns(described, guess, recalled)
    return np.hstack([columns, _of_artist(guess, recalled)]) if kind == KNOWN else columns


def _unknown_artist_columns(described: Description, guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    credited = recalled.features[:, _CREDITED], np.log1p(recalled.features[:, _OF_CREDITS])
    columns = [guess.linear, guess.median, described.numbers, described.genres, *credited]
    return np.hstack(columns).astype(np.float32)


def _of_artist(guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    own = recalled.features
    shifted = guess.value + own[:, _BY_YEAR], guess.value + own[:, _BY_ALBUM]
    return np.hstack([*shifted, np.log1p(own[:, _OF_ARTIST])]).astype(np.float32)


def offset_of(kind: str, guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    """The values that the networks of a judge correct, [n, 9]: the guess, shifted by what is known of the artist."""
    return guess.value + recalled.features[:, _BY_YEAR] if kind == KNOWN else guess.value


def network_columns(columns: NDArray[np.float32], described: Description) -> NDArray[np.float32]:
    """Columns for the networks of a judge: those of its trees, and bases in which year and duration bend."""
    return np.hstack([columns, splines(described.numbers)])


def width_columns(columns: NDArray[np.float32], values: NDArray[np.float32], guess: FirstGuess) -> NDArray[np.float32]:
    """Columns for the widths of intervals: the others, the values [n, 9] and how far apart the quantiles are."""
    apart = guess.quantiles[:, :, _HIGHEST] - guess.quantiles[:, :, _LOWEST]
    return np.hstack([columns, values, apart]).astype(np.float32)
