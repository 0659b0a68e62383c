"""Which track of the user a recommended one goes with: by who plays both or, without that, by what both are."""

import numpy as np
from numpy.typing import NDArray

from models.recommenders.community import CommunityModel
from models.recommenders.content_space import ContentSpace
from models.recommenders.history import History

#: Cosines below which two tracks have too little in common to say so.
_FEWEST_LISTENERS_IN_COMMON = 0.05
_LEAST_CONTENT_IN_COMMON = 0.25
#: In place of the norm of a track of which nothing is known.
_TINY = 1e-9


def partners(
    space: ContentSpace, community: CommunityModel | None, history: History, positions: NDArray[np.intp]
) -> NDArray[np.intp]:
    """For each of the items at positions [m], the position of the wanted item that goes with it best; -1 for none."""
    wanted = history.positions[history.wanted()]
    lengths = space.norms[positions][:, None] * space.norms[wanted]
    products = (space.rows[positions] @ space.rows[wanted].T).toarray()
    found = _best(products / np.maximum(lengths, _TINY), wanted, _LEAST_CONTENT_IN_COMMON)
    if community is None:
        return found
    together = community.generators.knn.similarity[positions][:, wanted].toarray()
    by_behavior = _best(together, wanted, _FEWEST_LISTENERS_IN_COMMON)
    return np.where(by_behavior >= 0, by_behavior, found)


def _best(cosines: NDArray[np.float32], wanted: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    """Of each row the wanted item of the highest cosine, the first of equals; -1 where none reaches the least."""
    if not len(wanted):
        return np.full(cosines.shape[0], -1, dtype=np.intp)
    columns = cosines.argmax(axis=1)
    reached = cosines[np.arange(len(cosines)), columns] >= least
    return np.where(reached, wanted[columns], -1).astype(np.intp)
