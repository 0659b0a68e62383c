"""The generators of a community as files, and back again bound to another catalog."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from models.recommenders.als import Als
from models.recommenders.catalog import Catalog
from models.recommenders.ease import Ease
from models.recommenders.generators import Generators
from models.recommenders.item_knn import ItemKnn
from models.recommenders.protocol import ModelFiles

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GENERATORS_FILE = "generators.npz"

Arrays = dict[str, NDArray[Any]]


def generator_files(generators: Generators, catalog: Catalog) -> dict[str, bytes]:
    """Everything about items that are known to a row; the dense parts in half precision.

    The size is that of the dual matrix, 2 bytes for each pair of rows, and of the factors, 2 bytes each.
    """
    known = np.flatnonzero(np.diff(generators.ease.columns.indptr) > 0)
    ease, als = generators.ease, generators.als
    arrays: Arrays = {
        "item_ids": catalog.item_ids[known],
        "n_users": np.array(generators.n_users),
        "listeners": generators.listeners[known],
        "mean_weight": generators.mean_weight[known],
        "ease_dual": ease.dual.astype(np.float16),
        "ease_diagonal": ease.diagonal[known],
        "ease_penalty": np.array(ease.penalty),
        "als_items": als.items[known].astype(np.float16),
        "als_gram": als.gram,
        "als_confidence": np.array(als.confidence),
        **_sparse("ease_columns", ease.columns[known]),
        **_sparse("knn", generators.knn.similarity[known][:, known]),
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return {GENERATORS_FILE: content.getvalue()}


def bound_generators(files: ModelFiles, catalog: Catalog) -> Generators:
    """Raises PermanentError user-model-corrupt where the file is missing or is not what it should be."""
    try:
        with np.load(io.BytesIO(files[GENERATORS_FILE]), allow_pickle=False) as arrays:
            return _bound(dict(arrays), catalog)
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise PermanentError(
            "user-model-corrupt", f"{GENERATORS_FILE} of the community's model cannot be read: {error}"
        ) from error


def _bound(arrays: Arrays, catalog: Catalog) -> Generators:
    found = catalog.find(arrays["item_ids"])
    kept, places, n_items = found >= 0, found[found >= 0], len(catalog)

    def column(name: str, fill: float) -> NDArray[np.float32]:
        values = np.full((n_items, *arrays[name].shape[1:]), fill, dtype=np.float32)
        values[places] = arrays[name][kept]
        return values

    columns = _rows_at(_restored("ease_columns", arrays)[kept], places, n_items)
    similar = _moved(_restored("knn", arrays)[kept], kept, places, n_items)
    dual = arrays["ease_dual"].astype(np.float32)
    ease = Ease(columns, dual, column("ease_diagonal", 1.0), float(arrays["ease_penalty"]))
    als = Als(column("als_items", 0.0), arrays["als_gram"], float(arrays["als_confidence"]))
    return Generators(
        ease,
        als,
        ItemKnn(_rows_at(similar, places, n_items)),
        int(arrays["n_users"]),
        column("listeners", 0.0),
        column("mean_weight", 0.0),
    )


def _moved(matrix: "csr_array", kept: NDArray[np.bool_], places: NDArray[np.intp], n_items: int) -> "csr_array":
    """The kept columns, put where the catalog has them."""
    from scipy.sparse import csr_array

    chosen = matrix[:, np.flatnonzero(kept)].tocsr()
    # `places` ascends with the item ids, so the order within the rows holds.
    return csr_array((chosen.data, places[chosen.indices], chosen.indptr), shape=(matrix.shape[0], n_items))


def _rows_at(matrix: "csr_array", places: NDArray[np.intp], n_rows: int) -> "csr_array":
    from scipy.sparse import csr_array

    sizes = np.zeros(n_rows, dtype=np.int64)
    sizes[places] = np.diff(matrix.indptr)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return csr_array((matrix.data, matrix.indices, starts), shape=(n_rows, matrix.shape[1]))


def _sparse(name: str, matrix: "csr_array") -> Arrays:
    rows = matrix.tocsr()
    return {
        f"{name}_data": rows.data.astype(np.float32),
        f"{name}_indices": rows.indices.astype(np.int32),
        f"{name}_indptr": rows.indptr.astype(np.int64),
        f"{name}_shape": np.array(rows.shape, dtype=np.int64),
    }


def _restored(name: str, arrays: Arrays) -> "csr_array":
    from scipy.sparse import csr_array

    parts = (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"])
    return csr_array(parts, shape=tuple(arrays[f"{name}_shape"]))
