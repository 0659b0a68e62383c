"""Which items are worth ranking for a user: the best of each generator."""

import numpy as np
from numpy.typing import NDArray

from models.recommenders.protocol import best_first
from models.recommenders.stack_features import UserView

#: Items that each generator proposes.
CANDIDATES = 200
#: Popular items that are always looked at.
POPULAR = 50
_WITH_COMMUNITY = ("ease", "als")
_ALONE = ("genres",)


def proposed(view: UserView, excluded: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """Positions, ascending: the `count` best of every generator that are not excluded, [n]."""
    names = _WITH_COMMUNITY if "ease" in view.signals else _ALONE
    found = [best_first(view.signals[name], excluded, count).positions for name in names]
    return np.unique(np.concatenate(found))
