"""Variety: the next choice is relevant and unlike what was chosen before."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.affinity import artist_vocabulary, genre_vocabulary
from models.recommenders.audio_space import audio_space
from models.recommenders.catalog import Catalog

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float32]
#: The similarity of all candidates, [m] in 0..1, to the candidate of an index.
LikenessTo = Callable[[int], Floats]
#: Prepares the candidates at positions [m].
SimilarityOf = Callable[[NDArray[np.intp]], LikenessTo]

#: What makes two items alike; the shares add up to 1. The same artist again is what people notice first.
_ARTIST_SHARE = 0.6
_GENRE_SHARE = 0.2
_SOUND_SHARE = 0.2
#: Mean squared distance per axis, in spreads, at which two sounds are 1/e alike.
_SOUND_WIDTH = 1.0


def diversify(
    positions: NDArray[np.intp], relevance: Floats, similarity_of: SimilarityOf, limit: int, diversity: float
) -> NDArray[np.intp]:
    """Choose by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

    Each step takes the candidate of the highest (1 - diversity) * relevance - diversity * similarity to the most
    similar one chosen before. Relevance is scaled to 0..1 over the candidates; ties go to the earlier candidate.

    Parameters
    ----------
    positions : [m], candidates in the catalog
    relevance : float32 [m], of any scale, finite
    similarity_of : such as `item_similarity(catalog)`
    limit : at most so many are chosen
    diversity : 0 for the order of relevance alone, to 1 for variety alone after the first

    Returns
    -------
    indexes into `positions`, in the order chosen
    """
    if diversity <= 0 or len(positions) <= 1:
        return np.argsort(-relevance, kind="stable")[:limit].astype(np.intp)
    alike = similarity_of(positions)
    gain = np.float32(1 - diversity) * _scaled(relevance)
    closest = np.zeros(len(positions), dtype=np.float32)
    chosen: list[int] = []
    for _ in range(min(limit, len(positions))):
        # The most relevant one opens, also where relevance does not count otherwise.
        best = int(np.argmax(gain - np.float32(diversity) * closest)) if chosen else int(np.argmax(relevance))
        chosen.append(best)
        gain[best] = -np.inf
        np.maximum(closest, alike(best), out=closest)
    return np.array(chosen, dtype=np.intp)


def item_similarity(catalog: Catalog) -> SimilarityOf:
    """Items are alike by shared artists (0.6), cosine of genres (0.2) and closeness of sound (0.2).

    An unknown audio feature counts as the library's average.
    """
    artists, genres = artist_vocabulary(catalog).whole, genre_vocabulary(catalog).whole
    sounds = np.nan_to_num(audio_space(catalog).points, nan=0.0)

    def prepare(positions: NDArray[np.intp]) -> LikenessTo:
        by_artist, by_genre, points = artists[positions], genres[positions], sounds[positions]
        lengths = np.square(points).sum(axis=1)
        scale = np.float32(1 / (_SOUND_WIDTH * points.shape[1]))

        def alike(index: int) -> Floats:
            same_artist = np.minimum(by_artist @ _dense_row(by_artist, index), 1)
            distances = lengths + lengths[index] - 2 * (points @ points[index])
            sound = np.exp(-scale * np.maximum(distances, 0))
            likeness: Floats = (
                np.float32(_ARTIST_SHARE) * same_artist
                + np.float32(_GENRE_SHARE) * (by_genre @ _dense_row(by_genre, index))
                + np.float32(_SOUND_SHARE) * sound
            )
            return likeness

        return alike

    return prepare


def _dense_row(rows: "csr_array", index: int) -> Floats:
    row = np.zeros(rows.shape[1], dtype=np.float32)
    span = slice(rows.indptr[index], rows.indptr[index + 1])
    row[rows.indices[span]] = rows.data[span]
    return row


def _scaled(relevance: Floats) -> Floats:
    low, high = float(relevance.min()), float(relevance.max())
    if high <= low:
        return np.zeros(len(relevance), dtype=np.float32)
    return np.asarray((relevance - low) / (high - low), dtype=np.float32)
