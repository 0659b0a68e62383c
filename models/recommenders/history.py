"""What one user did with the items of a catalog, and how much each of them counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A play this old counts half.
HALF_LIFE_DAYS = 180.0
#: What a like weighs, in units of one play of today.
LIKE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """k items that a user owns or touched, each once; all columns [k]."""

    positions: NDArray[np.intp]  #: Places in the catalog, ascending.
    owned: NDArray[np.bool_]  #: In a playlist of the user.
    plays: NDArray[np.float32]  #: How often it was played, >= 0.
    skips: NDArray[np.float32]  #: How often it was skipped, >= 0.
    likes: NDArray[np.int8]  #: -1 disliked, 0 neither, 1 liked.
    age_days: NDArray[np.float32]  #: Days since it was last played or liked, or added to a playlist, >= 0.

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "History":
        """The chosen rows; indexes must be ascending."""
        return History(
            self.positions[rows],
            self.owned[rows],
            self.plays[rows],
            self.skips[rows],
            self.likes[rows],
            self.age_days[rows],
        )

    def weights(self, half_life_days: float = HALF_LIFE_DAYS) -> NDArray[np.float32]:
        """How much the user wants each item, [k], >= 0.

        weight = ((owned + ln(1 + plays)) * 0.5 ** (age / half life) + LIKE_WEIGHT if liked) * patience

        Patience, (1 + plays) / (1 + plays + skips), is the share of encounters that were not skipped. A disliked item
        weighs nothing, nor does one that was only skipped.
        """
        decay = np.exp2(-self.age_days / half_life_days)
        wanted = (self.owned + np.log1p(self.plays)) * decay + LIKE_WEIGHT * (self.likes > 0)
        patience = (1 + self.plays) / (1 + self.plays + self.skips)
        return np.asarray(np.where(self.likes < 0, 0.0, wanted * patience), dtype=np.float32)

    def wanted(self) -> NDArray[np.bool_]:
        """Rows that count as wanted, [k]: of positive weight."""
        return self.weights() > 0


def plays_only(positions: NDArray[np.intp], plays: NDArray[np.float32]) -> History:
    """A history of which only play counts are known, all of today; positions must be ascending."""
    size = len(positions)
    return History(
        positions,
        owned=np.zeros(size, dtype=np.bool_),
        plays=np.asarray(plays, dtype=np.float32),
        skips=np.zeros(size, dtype=np.float32),
        likes=np.zeros(size, dtype=np.int8),
        age_days=np.zeros(size, dtype=np.float32),
    )
