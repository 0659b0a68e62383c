"""A small catalog of tracks with audio features: calm ones, club tracks and a crowd between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES
from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.history import History, plays_only

#: In the order of `core.features.FEATURE_NAMES`.
CALM = (0.35, 0.12, 0.25, 0.9, 0.75, 0.1, 0.035, 76.0, -21.0)
CLUB = (0.8, 0.88, 0.65, 0.02, 0.4, 0.2, 0.06, 126.0, -5.0)
MIDDLE = (0.58, 0.62, 0.5, 0.2, 0.001, 0.14, 0.05, 118.0, -8.0)
_NOISE = (0.04, 0.05, 0.06, 0.05, 0.05, 0.02, 0.008, 4.0, 1.0)
_WIDE = (0.17, 0.22, 0.25, 0.2, 0.02, 0.06, 0.03, 27.0, 4.0)


def sounds(center: Sequence[float], n: int, seed: int, noise: Sequence[float] = _NOISE) -> NDArray[np.float32]:
    """Features [n, 9] around a center, within their ranges."""
    rng = np.random.default_rng(seed)
    values = rng.normal(center, noise, size=(n, 9))
    low, high = np.zeros(9), np.array([1, 1, 1, 1, 1, 1, 1, 250, 5.0])
    low[FEATURE_NAMES.index("loudness")] = -60
    return np.clip(values, low, high).astype(np.float32)


def catalog_of(
    features: NDArray[np.float32],
    artists: Sequence[str] | None = None,
    genres: Sequence[Sequence[str]] | None = None,
    popularity: Sequence[float] | None = None,
) -> Catalog:
    """Tracks of different artists and without genres, unless they are given; ids are 10, 20, 30 ..."""
    n = len(features)
    matrix, names = genre_columns([[]] * n if genres is None else genres)
    return Catalog(
        item_ids=10 * (1 + np.arange(n, dtype=np.int64)),
        artists=[f"Artist {row}" for row in range(n)] if artists is None else artists,
        titles=[f"Song {row}" for row in range(n)],
        albums=[None] * n,
        genres=matrix,
        genre_names=names,
        features=features,
        popularity=np.full(n, np.nan, np.float32) if popularity is None else np.array(popularity, np.float32),
    )


def crowd(n: int = 600, each: int = 60) -> Catalog:
    """`each` calm tracks, then as many club tracks, then a wide crowd."""
    middle = sounds(MIDDLE, n - 2 * each, 3, _WIDE)
    return catalog_of(np.concatenate([sounds(CALM, each, 1), sounds(CLUB, each, 2), middle]))


def played(*positions: int, times: float = 3.0) -> History:
    """A history of equal play counts."""
    return plays_only(np.array(sorted(positions), dtype=np.intp), np.full(len(positions), times, dtype=np.float32))


def nothing_excluded(catalog: Catalog) -> NDArray[np.bool_]:
    return np.zeros(len(catalog), dtype=np.bool_)
