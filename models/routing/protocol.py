"""What every routing strategy takes and returns.

There are two estimates of each value: that of a predictor, the base, which is always there, and that of a look-up, the
other, which may be missing. The platform's routing study calls them M1 and QLTY.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pair:
    """Two estimates for n tracks; columns follow `core.features.FEATURE_NAMES`, values are in each feature's unit."""

    base: NDArray[np.float32]  #: [n, 9]
    base_uncertainty: NDArray[np.float32]  #: [n, 9], half-widths of 80 % intervals
    other: NDArray[np.float32]  #: [n, 9]; NaN where it is not known
    other_uncertainty: NDArray[np.float32]  #: [n, 9], likewise; NaN where it is not known
    genres: list[list[str]]  #: Tags of each track; empty where unknown
    popularity: list[int | None]  #: 0..100

    def __len__(self) -> int:
        return len(self.base)

    def take(self, rows: NDArray[np.intp]) -> "Pair":
        """The given rows, in the given order."""
        return Pair(
            self.base[rows],
            self.base_uncertainty[rows],
            self.other[rows],
            self.other_uncertainty[rows],
            [self.genres[row] for row in rows.tolist()],
            [self.popularity[row] for row in rows.tolist()],
        )


@dataclass(frozen=True, slots=True)
class Routed:
    """What a strategy made of a pair; the route of every value can be told from `rules[rule[i, k]]`."""

    values: NDArray[np.float32]  #: [n, 9], in each feature's unit
    weight: NDArray[np.float32]  #: [n, 9], the share of the other estimate, 0 where it is not known
    rule: NDArray[np.int8]  #: [n, 9], index into `rules`
    rules: tuple[str, ...]  #: Names of the rules, in the order in which they are tried
    uncertainty: NDArray[np.float32]  #: [n, 9], half-widths of 80 % intervals

    def take(self, rows: NDArray[np.intp]) -> "Routed":
        """The given rows, in the given order."""
        return Routed(self.values[rows], self.weight[rows], self.rule[rows], self.rules, self.uncertainty[rows])


class Strategy(Protocol):
    """A pure function of a pair."""

    @property
    def name(self) -> str: ...

    def __call__(self, pair: Pair) -> Routed:
        """Route every value; a pair of no tracks gives arrays of no rows."""
        ...
