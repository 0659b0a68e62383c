"""Which item of a user sounds most like another item, and in which features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES
from models.recommenders.audio_space import audio_space
from models.recommenders.catalog import Catalog

Floats = NDArray[np.float32]

#: Features that both items must have to be compared.
_FEWEST_SHARED = 4
#: Mean squared distance per feature, in spreads of a library, up to which two items may be called similar: a quarter of
#: that of two random tracks.
_SIMILAR = 0.5
#: Difference, in spreads, up to which one feature is called similar.
_CLOSE = 0.35
#: A feature far from the library's average says more than one that is average in both; by so much per spread.
_TELLING = 0.15
_MOST_FEATURES = 3
_FEWEST_FEATURES = 2


@dataclass(frozen=True, slots=True)
class NearestSound:
    """An item of the user and the features in which it is near."""

    position: int
    features: tuple[str, ...]  #: 2 or 3 names of `core.features`, the most telling first.


def nearest_sounds(
    catalog: Catalog, of_user: NDArray[np.intp], positions: NDArray[np.intp]
) -> Sequence[NearestSound | None]:
    """For each item at `positions` the nearest of the user's items; None where none is near.

    Nearest is the smallest mean squared difference over the features that both have, of which there must be four; ties
    go to the earlier item. At least two features must differ by less than 0.35 spreads.
    """
    points = audio_space(catalog).points
    if not len(of_user) or not len(positions):
        return [None] * len(positions)
    distances = _distances(points[positions], points[of_user])
    closest = distances.argmin(axis=1)
    return [
        _described(points[position], points[of_user[row]], int(of_user[row]))
        if distances[item, row] <= _SIMILAR
        else None
        for item, (position, row) in enumerate(zip(positions, closest, strict=True))
    ]


def _distances(items: Floats, mine: Floats) -> Floats:
    """Mean squared differences [m, k]; infinite where too few features are shared."""
    known_items, known_mine = ~np.isnan(items), ~np.isnan(mine)
    a, b = np.where(known_items, items, np.float32(0)), np.where(known_mine, mine, np.float32(0))
    left = np.concatenate([a * a, known_items, -2 * a], axis=1, dtype=np.float32)
    right = np.concatenate([known_mine, b * b, b], axis=1, dtype=np.float32)
    shared = known_items.astype(np.float32) @ known_mine.astype(np.float32).T
    means = (left @ right.T) / np.maximum(shared, 1)
    distances: Floats = np.where(shared >= _FEWEST_SHARED, means, np.float32(np.inf))
    return distances


def _described(item: Floats, mine: Floats, position: int) -> NearestSound | None:
    difference = np.abs(item - mine)
    order = np.argsort(difference - np.float32(_TELLING) * np.abs(item), kind="stable")
    # A comparison with NaN is false.
    near = [FEATURE_NAMES[axis] for axis in order if difference[axis] <= _CLOSE][:_MOST_FEATURES]
    return NearestSound(position, tuple(near)) if len(near) >= _FEWEST_FEATURES else None
