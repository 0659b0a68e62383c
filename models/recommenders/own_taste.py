"""What a user's own plays, likes and skips say of an item by its artist and its sound, whoever else hears it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.history import History
from models.recommenders.item_traits import ItemTraits

if TYPE_CHECKING:
    from scipy.sparse import csr_array

OWN_TASTE_COLUMNS = (
    "artist_weight",
    "artist_plays",
    "artist_likes",
    "artist_skips",
    "artist_age_days",
    "audio_distance",
    "audio_nearest",
)
# Own items that an item's sound is compared with; the heaviest are taken.
_COMPARED = 200
# Share of all weights below which the rest, without one item, says nothing.
_LEAST_REST = 1e-5


def own_taste(
    history: History, row: "csr_array", traits: ItemTraits, positions: NDArray[np.intp]
) -> dict[str, NDArray[np.float32]]:
    """Columns [m] of the items at `positions`, each as if the user did not have it."""
    return _of_artists(history, traits, positions) | _of_sound(row, traits, positions)


def _of_artists(history: History, traits: ItemTraits, positions: NDArray[np.intp]) -> dict[str, NDArray[np.float32]]:
    """Sums over the user's other items of the same artist: decayed weight, ln(1 + plays), likes, share of skips."""
    weights = history.weights()
    plays, skips = np.log1p(history.plays), history.skips / (1 + history.plays + history.skips)
    sums = {"artist_weight": weights, "artist_plays": plays, "artist_likes": history.likes, "artist_skips": skips}
    artist = traits.artist[history.positions]
    place = np.full(len(traits.artist), -1, dtype=np.intp)
    place[history.positions] = np.arange(len(history))
    own = place[positions]
    columns = {}
    for name, values in sums.items():
        totals = np.bincount(artist, values, minlength=traits.n_artists)[traits.artist[positions]]
        totals -= np.where(own >= 0, np.append(values, 0)[own], 0)
        columns[name] = totals.astype(np.float32)
    columns["artist_age_days"] = _youngest(history, artist, traits.artist[positions], own)
    return columns


def _youngest(
    history: History, artist: NDArray[np.intp], asked: NDArray[np.intp], own: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Age in days of the user's latest other item of the same artist, [m]; NaN where there is none."""
    order = np.lexsort((history.age_days, artist))
    ages, artists = history.age_days[order], artist[order]
    first = np.searchsorted(artists, asked)
    itself = np.append(order, -2)[np.minimum(first, len(order))] == own
    first = first + (itself & (own >= 0))
    known = np.append(artists, -1)[np.minimum(first, len(order))] == asked
    return np.where(known, np.append(ages, np.nan)[np.minimum(first, len(order))], np.nan).astype(np.float32)


def _of_sound(row: "csr_array", traits: ItemTraits, positions: NDArray[np.intp]) -> dict[str, NDArray[np.float32]]:
    """Distances, in deviations of the library, to the mean of the user's other items and to the nearest of them."""
    heard = ~np.isnan(traits.audio[row.indices]).any(axis=1)
    own, weights = row.indices[heard], row.data[heard]
    nothing = np.full(len(positions), np.nan, dtype=np.float32)
    if len(own) < 2:
        return {"audio_distance": nothing, "audio_nearest": nothing}
    sounds, asked = traits.audio[own], traits.audio[positions]
    share = np.zeros(len(traits.artist), dtype=np.float32)
    share[own] = weights
    itself = share[positions]
    total = weights @ sounds - np.nan_to_num(asked) * itself[:, None]
    rest = weights.sum() - itself
    # Of an item that outweighs all others by far, what is left is rounding.
    rest[rest < _LEAST_REST * weights.sum()] = np.nan
    mean = total / rest[:, None]
    heaviest = np.argsort(-weights, kind="stable")[:_COMPARED]
    squared = _squared_distances(asked, sounds[heaviest])
    squared[positions[:, None] == own[heaviest][None, :]] = np.inf
    return {
        "audio_distance": np.linalg.norm(asked - mean, axis=1),
        "audio_nearest": np.sqrt(np.maximum(squared.min(axis=1), 0)),
    }


def _squared_distances(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """[m, k] of [m, 9] and [k, 9]."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :]
    return np.asarray(squares - 2 * left @ right.T)
