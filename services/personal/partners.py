"""Which track of the user a recommended one goes with: by who plays both or, without that, by what both are."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.community import CommunityModel
from models.recommenders.content_space import ContentSpace
from models.recommenders.history import History

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Cosines below which two tracks have too little in common to say so.
_FEWEST_LISTENERS_IN_COMMON = 0.05
_LEAST_CONTENT_IN_COMMON = 0.25


def partners(
    space: ContentSpace, community: CommunityModel | None, history: History, positions: NDArray[np.intp]
) -> NDArray[np.intp]:
    """For each of the items at positions [m], the position of the wanted item that goes with it best; -1 for none."""
    wanted = history.positions[history.wanted()]
    found = _best(space.rows[positions] @ space.rows[wanted].T, wanted, _LEAST_CONTENT_IN_COMMON)
    if community is None:
        return found
    together = community.generators.knn.similarity[positions][:, wanted]
    by_behavior = _best(together, wanted, _FEWEST_LISTENERS_IN_COMMON)
    return np.where(by_behavior >= 0, by_behavior, found)


def _best(cosines: "csr_array", wanted: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    """Of each row the wanted item of the highest cosine, the first of equals; -1 where none reaches the least."""
    if not len(wanted):
        return np.full(cosines.shape[0], -1, dtype=np.intp)
    dense = cosines.toarray()
    columns = dense.argmax(axis=1)
    reached = dense[np.arange(len(dense)), columns] >= least
    return np.where(reached, wanted[columns], -1).astype(np.intp)
