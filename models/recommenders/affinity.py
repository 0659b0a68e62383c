"""How much a user likes genres and artists, kept by name, and what that says about the items of a catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.history import History

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float32]

#: Names that a taste keeps, the strongest ones; the rest weighs next to nothing.
_MOST_NAMES = 300


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """Names that a user likes, the strongest first, each once."""

    names: tuple[str, ...]
    weights: Floats  #: > 0, descending, on the scale of the function that made it.


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Names of one kind and which items carry them."""

    names: Sequence[str]
    column: dict[str, int]  #: Of each name.
    rarity: Floats  #: ln(n / items that carry it), [names].
    whole: "csr_array"  #: [n, names]; what an item adds to a taste.
    scored: "csr_array"  #: [n, names]; what a taste finds in an item.

    def affinity(self, taste: Taste) -> Floats:
        """What the taste finds in every item, [n] >= 0; names that the catalog does not know are left out."""
        weights = np.zeros(len(self.names), dtype=np.float32)
        for name, weight in zip(taste.names, taste.weights, strict=True):
            if (place := self.column.get(name)) is not None:
                weights[place] = weight
        found: Floats = np.asarray(self.scored @ weights, dtype=np.float32)
        return found


@lru_cache(maxsize=2)
def genre_vocabulary(catalog: Catalog) -> Vocabulary:
    """Genres weighed by TF-IDF, ln(1 + weight) * ln(n / items that carry it).

    The rows that make a taste have the length 1, so that no item counts for more than another. The rows that are scored
    are divided by the root of their length and that of a usual length alone: an item of which much is known is a surer
    find than one with a single tag.
    """
    rows = catalog.genres.tocsr(copy=True).astype(np.float32)
    rarity = _rarity(rows)
    rows.data = np.log1p(rows.data) * rarity[rows.indices]
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float32).ravel())
    usual = np.float32(np.median(lengths[lengths > 0])) if lengths.any() else np.float32(1)
    whole, scored = _divided(rows, lengths), _divided(rows, np.sqrt(lengths * usual))
    return Vocabulary(catalog.genre_names, _places(catalog.genre_names), rarity, whole, scored)


def genre_affinity(catalog: Catalog, taste: Taste) -> Floats:
    """What a taste finds in the genres of every item, [n] >= 0; an item without genres gets the mean of the others."""
    vocabulary = genre_vocabulary(catalog)
    found = vocabulary.affinity(taste)
    known = np.diff(vocabulary.whole.indptr) > 0
    return np.where(known, found, found[known].mean()).astype(np.float32) if known.any() else found


@lru_cache(maxsize=2)
def artist_vocabulary(catalog: Catalog) -> Vocabulary:
    """Credited artists, whatever their case; each credit of an item weighs the same."""
    rows, names = genre_columns([[name.casefold() for name in credits(artists)] for artists in catalog.artists])
    return Vocabulary(names, _places(names), _rarity(rows), rows, rows)


def credits(artists: str) -> list[str]:
    """The names in "A;B"."""
    return [name for part in artists.split(";") if (name := part.strip())]


def genre_taste(catalog: Catalog, history: History) -> Taste:
    """The weighted mean of the genres of the wanted items."""
    weights = history.weights()
    vocabulary = genre_vocabulary(catalog)
    liked = vocabulary.whole[history.positions].T @ weights / max(float(weights.sum()), 1e-9)
    return _strongest(vocabulary, np.asarray(liked, dtype=np.float32))


def artist_taste(catalog: Catalog, history: History) -> Taste:
    """ln(1 + wanted items of the artist), where an item of average weight counts 1."""
    weights = history.weights()
    vocabulary = artist_vocabulary(catalog)
    mean = float(weights.sum()) / max(int(np.count_nonzero(weights)), 1)
    liked = vocabulary.whole[history.positions].T @ (weights / max(mean, 1e-9))
    return _strongest(vocabulary, np.log1p(np.asarray(liked, dtype=np.float32)))


def loyalty(catalog: Catalog, history: History) -> float:
    """The weighted share of the wanted items with an artist of whom the user wants another item too, 0..1.

    This is how often an item left out of the history is by an artist of the rest.
    """
    weights = history.weights()
    mine = artist_vocabulary(catalog).whole[history.positions[weights > 0]]
    wanted = np.asarray(mine.sum(axis=0)).ravel()
    again = mine @ (wanted > 1).astype(np.float32) > 0
    total = float(weights.sum())
    # Sums in another order may differ in the last digit.
    return min(1.0, float(weights[weights > 0] @ again) / total) if total else 0.0


def _strongest(vocabulary: Vocabulary, liked: Floats) -> Taste:
    order = np.argsort(-liked, kind="stable")[:_MOST_NAMES]
    order = order[liked[order] > 0]
    return Taste(tuple(vocabulary.names[place] for place in order), liked[order])


def _rarity(rows: "csr_array") -> Floats:
    carried = np.bincount(rows.indices, minlength=rows.shape[1])
    return np.asarray(np.log(max(rows.shape[0], 1) / np.maximum(carried, 1)), dtype=np.float32)


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _divided(rows: "csr_array", by: Floats) -> "csr_array":
    divided = rows.copy()
    divided.data = rows.data / np.repeat(np.maximum(by, 1e-9), np.diff(rows.indptr))
    return divided
