"""Histories and genres as rows of one sparse matrix, [rows, items]: what the collaborative generators learn from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog
from models.recommenders.history import HALF_LIFE_DAYS, History

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: What an entry of a genre's row weighs, where an average item of a user weighs 1.
GENRE_WEIGHT = 2.0


def history_rows(histories: Sequence[History], n_items: int, half_life_days: float = HALF_LIFE_DAYS) -> "csr_array":
    """Weights of wanted items, [users, n_items] float32, ascending; the mean weight of every user is 1.

    Users who play a lot would otherwise count for more than their number of items says.
    """
    from scipy.sparse import csr_array

    columns, values, sizes = [], [], []
    for history in histories:
        weights = history.weights(half_life_days)
        wanted = weights > 0
        kept = weights[wanted]
        columns.append(history.positions[wanted])
        values.append(kept / kept.mean() if len(kept) else kept)
        sizes.append(len(kept))
    return csr_array(
        (_joined(values, np.float32), _joined(columns, np.int32), np.cumsum([0, *sizes])),
        shape=(len(histories), n_items),
    )


def genre_rows(catalog: Catalog, weight: float = GENRE_WEIGHT, min_items: int = 5, max_rows: int = 2500) -> "csr_array":
    """Genres as listeners of their items, [rows, n] float32: how items that nobody played get a signal.

    Takes the `max_rows` most frequent of the genres with at least `min_items` items. An entry is `weight` times
    ln(1 + weight of the genre in the catalog); rows longer than a long history are shrunk, lest "pop" with ten
    thousand tracks outweigh all users.
    """
    from scipy.sparse import csr_array, diags_array

    columns = catalog.genres.tocsc()
    sizes = np.diff(columns.indptr)
    chosen = np.sort(np.argsort(-sizes, kind="stable")[:max_rows])
    chosen = chosen[sizes[chosen] >= min_items]
    rows = csr_array(columns[:, chosen].T).astype(np.float32)
    rows.data = np.log1p(rows.data) * np.float32(weight)
    norms = np.sqrt(np.asarray(rows.power(2).sum(axis=1)).ravel())
    shrink = np.minimum(1.0, _LONG_ROW / np.maximum(norms, 1e-9)).astype(np.float32)
    return csr_array(diags_array(shrink) @ rows)


# Norm of a row of 10,000 items of weight 1.
_LONG_ROW = 100.0


def stacked(rows: "csr_array", below: "csr_array | None") -> "csr_array":
    """Both matrices as one, [rows + rows below, n] float32."""
    from scipy.sparse import csr_array, vstack

    return csr_array(rows if below is None else vstack([rows, below], format="csr")).astype(np.float32)


def _joined(parts: Sequence[NDArray[np.generic]], dtype: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype=dtype)
