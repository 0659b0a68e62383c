"""What a community of users knows about items: EASE, ALS, item-kNN and counts, fitted on the same rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.recommenders.als import Als
from models.recommenders.ease import Ease
from models.recommenders.interaction_matrix import stacked
from models.recommenders.item_knn import ItemKnn

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, eq=False)
class Generators:
    """All of them over the same n items."""

    ease: Ease  #: Of the users, and below them the genres.
    als: Als  #: Likewise.
    knn: ItemKnn  #: Of the users alone.
    n_users: int  #: The first columns of `ease.columns`.
    listeners: NDArray[np.float32]  #: [n], how many users have the item.
    mean_weight: NDArray[np.float32]  #: [n], what it weighs with them; 0 without any.

    @classmethod
    def fit(cls, users: "csr_array", genres: "csr_array", seed: int = 0) -> Self:
        """Learn from users [u, n] and genres [r, n] as rows of weights."""
        rows = stacked(users, genres)
        listeners = np.bincount(users.indices, minlength=users.shape[1]).astype(np.float32)
        weights = np.asarray(users.sum(axis=0)).ravel()
        mean_weight = (weights / np.maximum(listeners, 1)).astype(np.float32)
        return cls(Ease.fit(rows), Als.fit(rows, seed=seed), ItemKnn.fit(users), users.shape[0], listeners, mean_weight)

    def most_alike(self, row: "csr_array") -> "csr_array | None":
        """The fitted user [1, n] whose items are those of `row` for more than half, or None.

        Whoever asks about a user that was fitted on finds that user here.
        """
        fitted = self.ease.columns
        common = np.bincount(fitted[row.indices, :].indices, minlength=fitted.shape[1])[: self.n_users]
        sizes = np.bincount(fitted.indices, minlength=fitted.shape[1])[: self.n_users]
        if common.max(initial=0) == 0:
            return None
        alike = common / (sizes + row.nnz - common)
        best = int(np.argmax(alike))
        return fitted[:, [best]].T.tocsr() if alike[best] > 0.5 else None
