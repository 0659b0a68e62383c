"""What can be recommended, as columns: tracks in production, artists where an evaluation knows no tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """n items, all columns in the order of ascending ids. A *position* is a row of these columns.

    A catalog never changes; a library that grew gets a new one. Models therefore keep item ids, never positions.
    """

    item_ids: NDArray[np.int64]  #: [n], ascending, each once.
    artists: Sequence[str]  #: [n], all credited artists joined with ";".
    titles: Sequence[str]  #: [n], empty where items are artists.
    albums: Sequence[str | None]  #: [n]
    genres: "csr_array"  #: [n, g] float32, weight of each genre or tag of an item, >= 0.
    genre_names: Sequence[str]  #: [g]
    features: NDArray[np.float32]  #: [n, 9] as `core.features.FEATURE_NAMES`, in their units; NaN is unknown.
    popularity: NDArray[np.float32]  #: [n], 0..100; NaN is unknown.

    def __len__(self) -> int:
        return len(self.item_ids)

    def find(self, item_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Positions of item ids, in their order; -1 for an id that is not in the catalog."""
        if not len(self):
            return np.full(len(item_ids), -1, dtype=np.intp)
        places = np.minimum(np.searchsorted(self.item_ids, item_ids), len(self) - 1)
        return np.where(self.item_ids[places] == item_ids, places, -1).astype(np.intp)


def genre_columns(genres: Sequence[Sequence[str]]) -> "tuple[csr_array, list[str]]":
    """Matrix and names for `Catalog.genres` from the list of each item; every genre of an item weighs 1."""
    from scipy.sparse import csr_array

    names = sorted({name for of_item in genres for name in of_item})
    column = {name: place for place, name in enumerate(names)}
    columns = [sorted({column[name] for name in of_item}) for of_item in genres]
    starts = np.concatenate([[0], np.cumsum([len(of_item) for of_item in columns], dtype=np.int64)])
    indices = np.array([place for of_item in columns for place in of_item], dtype=np.int32)
    values = np.ones(len(indices), dtype=np.float32)
    return csr_array((values, indices, starts), shape=(len(genres), len(names))), names
