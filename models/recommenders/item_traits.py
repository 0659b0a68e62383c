"""What the ranker of M3 knows of items whoever hears them: genres, artists, audio; made once for a catalog."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, eq=False)
class ItemTraits:
    """Columns of n items."""

    genre_units: "csr_array"  #: [n, g] float32, weights of genres times their rarity, of length 1 where there are any.
    genre_count: NDArray[np.float32]  #: [n]
    genre_entropy: NDArray[np.float32]  #: [n], in nats: 0 for one genre alone.
    artist: NDArray[np.intp]  #: [n], a number for each artist name.
    n_artists: int
    audio: NDArray[np.float32]  #: [n, 9], features of mean 0 and deviation 1; NaN is unknown.
    popularity: NDArray[np.float32]  #: [n], 0..100; NaN is unknown.


# One catalog that serves and the next one that is about to.
@lru_cache(maxsize=2)
def item_traits(catalog: Catalog) -> ItemTraits:
    """The traits of all items of a catalog."""
    # NumPy would give every name the length of the longest.
    numbers: dict[str, int] = {}
    artist = [numbers.setdefault(name, len(numbers)) for name in catalog.artists]
    return ItemTraits(
        genre_units=_genre_units(catalog.genres),
        genre_count=np.diff(catalog.genres.indptr).astype(np.float32),
        genre_entropy=_entropy(catalog.genres),
        artist=np.array(artist, dtype=np.intp),
        n_artists=len(numbers),
        audio=_standardized(catalog.features),
        popularity=catalog.popularity.astype(np.float32),
    )


def _genre_units(genres: "csr_array") -> "csr_array":
    from scipy.sparse import csr_array, diags_array

    counts = np.bincount(genres.indices, minlength=genres.shape[1])
    rarity = np.log1p(genres.shape[0] / np.maximum(counts, 1))
    weights = csr_array(genres.log1p() @ diags_array(rarity))
    norms = np.sqrt(np.asarray(weights.power(2).sum(axis=1)).ravel())
    return csr_array(diags_array(1 / np.maximum(norms, 1e-9)) @ weights).astype(np.float32)


def _entropy(genres: "csr_array") -> NDArray[np.float32]:
    item = np.repeat(np.arange(genres.shape[0]), np.diff(genres.indptr))
    totals = np.bincount(item, genres.data, minlength=genres.shape[0])
    share = genres.data / np.maximum(totals[item], 1e-9)
    terms = -share * np.log(np.maximum(share, 1e-9))
    return np.bincount(item, terms, minlength=genres.shape[0]).astype(np.float32)


def _standardized(features: NDArray[np.float32]) -> NDArray[np.float32]:
    known = ~np.isnan(features)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0) / counts
    deviation = np.sqrt((np.where(known, features - mean, 0) ** 2).sum(axis=0) / counts)
    return np.asarray((features - mean) / np.maximum(deviation, 1e-6), dtype=np.float32)
