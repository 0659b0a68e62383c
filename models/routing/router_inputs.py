"""What the learned router looks at: both estimates, their uncertainty, how far they are apart, genre and popularity.

Everything is normalized by the scale of its feature. The other estimate may be missing: trees then see NaN, the line
zero, and the value is not used anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.errors import SCALES
from models.routing.divergence import track_divergence
from models.routing.genre_groups import GROUPS, genre_groups
from models.routing.protocol import Pair

Numbers = NDArray[np.float64]

#: Columns of `tree_columns`, and of `line_columns`.
N_TREE_COLUMNS = 7 * 9 + 4 + len(GROUPS)
N_LINE_COLUMNS = 11 + len(GROUPS)
#: Popularity is a number around zero: hundredths from here on.
_MIDDLE_POPULARITY = 50.0


@dataclass(frozen=True, slots=True)
class RouterInputs:
    """A pair in numbers: n tracks, normalized."""

    base: Numbers  #: [n, 9]
    other: Numbers  #: [n, 9]; NaN: unknown
    base_uncertainty: Numbers  #: [n, 9]
    other_uncertainty: Numbers  #: [n, 9]; NaN: unknown
    track_divergence: Numbers  #: [n]; NaN: nothing is known twice
    groups: NDArray[np.float64]  #: [n, GROUPS], 1 for the track's group
    popularity: Numbers  #: [n], -0.5..0.5; NaN: unknown

    @classmethod
    def of(cls, pair: Pair) -> "RouterInputs":
        """Read a pair."""
        return cls(
            pair.base / SCALES,
            pair.other / SCALES,
            pair.base_uncertainty / SCALES,
            pair.other_uncertainty / SCALES,
            track_divergence(pair),
            group_columns(pair.genres),
            popularity_column(pair.popularity),
        )

    @property
    def apart(self) -> Numbers:
        """The other estimate minus the base, [n, 9]; NaN: unknown."""
        return self.other - self.base

    def tree_columns(self, first: Numbers) -> NDArray[np.float32]:
        """Inputs of the trees of all features, [n, N_TREE_COLUMNS]; `first` are normalized first guesses [n, 9]."""
        apart = self.apart
        distance = np.abs(apart)
        single = [
            self.track_divergence,
            np.where(np.isnan(distance), -np.inf, distance).max(axis=1),
            np.sort(distance, axis=1)[:, distance.shape[1] // 2],
            self.popularity,
        ]
        wide = [self.base, self.other, apart, distance, self.base_uncertainty, self.other_uncertainty, first]
        columns = np.column_stack([*wide, *single, self.groups]).astype(np.float32)
        columns[np.isinf(columns)] = np.nan
        return columns

    def line_columns(self, feature: int) -> Numbers:
        """Inputs of the line of one feature, [n, N_LINE_COLUMNS]; the first is 1."""
        apart, other = np.nan_to_num(self.apart[:, feature]), np.nan_to_num(self.other[:, feature])
        unsure, other_unsure = (np.nan_to_num(u[:, feature]) for u in (self.base_uncertainty, self.other_uncertainty))
        popularity = np.nan_to_num(self.popularity)
        known = (~np.isnan(self.popularity)).astype(np.float64)
        numbers = [apart, apart * np.abs(apart), other_unsure, unsure, apart * other_unsure, other, other**2]
        return np.column_stack([np.ones(len(apart)), *numbers, known, popularity, popularity**2, self.groups])


def group_columns(genres: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """1 in the column of each track's genre group, [n, GROUPS]."""
    return np.asarray(genre_groups(genres)[:, None] == np.array(GROUPS), dtype=np.float64)


def popularity_column(popularity: Sequence[int | None]) -> Numbers:
    """Popularity around zero, [n]; NaN where unknown."""
    return (np.array(popularity, dtype=np.float64) - _MIDDLE_POPULARITY) / 100
