"""The columns that the boosted trees read."""

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.blend.description import Description
from models.predictors.blend.first_stage import FirstGuess
from models.predictors.blend.memory import Recollection

_BY_YEAR = slice(0, N_FEATURES)
_BY_ALBUM = slice(N_FEATURES, 2 * N_FEATURES)
_CREDITED = slice(2 * N_FEATURES, 3 * N_FEATURES)
_OF_ARTIST = slice(3 * N_FEATURES, 3 * N_FEATURES + 2)
_OF_CREDITS = slice(3 * N_FEATURES + 2, 3 * N_FEATURES + 3)
# The networks' inner quantiles add nothing to the outer ones.
_LOWEST, _HIGHEST = 0, -1


def unknown_artist_columns(described: Description, guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    """Columns for tracks whose artist may be unknown, [n, c]: nothing in them comes from other tracks of the artist."""
    own = recalled.features
    return np.hstack(
        [
            guess.linear,
            guess.median,
            described.numbers,
            described.genres,
            own[:, _CREDITED],
            own[:, _OF_CREDITS],
        ]
    ).astype(np.float32)


def known_artist_columns(described: Description, guess: FirstGuess, recalled: Recollection) -> NDArray[np.float32]:
    """Columns for tracks of known artists, [n, d]: the former, and what is remembered of the artist."""
    own = recalled.features
    return np.hstack(
        [
            unknown_artist_columns(described, guess, recalled),
            guess.value + own[:, _BY_YEAR],
            guess.value + own[:, _BY_ALBUM],
            own[:, _OF_ARTIST],
        ]
    ).astype(np.float32)


def width_columns(columns: NDArray[np.float32], values: NDArray[np.float32], guess: FirstGuess) -> NDArray[np.float32]:
    """Columns for the widths of intervals: the others, the values [n, 9] and how far apart the quantiles are."""
    apart = guess.quantiles[:, :, _HIGHEST] - guess.quantiles[:, :, _LOWEST]
    return np.hstack([columns, values, apart]).astype(np.float32)
