"""What M2 reads of a track: TF-IDF of artist and title, as sparse columns.

Columns: artist terms | title terms. Training and inference share this module, so that they can never disagree about an
input.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch
from models.tfidf import TfidfEncoder, entries, normalize_text

#: A stratum of the intervals is the sum of these bits over what is known of a track: a word of its artist, a word of
#: its title, other tracks of its artist.
KNOWS_ARTIST_WORD, KNOWS_TITLE_WORD, KNOWS_ARTIST = 1, 2, 4
N_STRATA = 8


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """n tracks as the non-zero entries of an [n, n_columns] matrix, and how much of each is known."""

    n_columns: int
    rows: NDArray[np.intp]  #: [entries]
    columns: NDArray[np.intp]  #: [entries]; no (row, column) occurs twice
    weights: NDArray[np.float32]  #: [entries]
    strata: NDArray[np.intp]  #: [n], 0..N_STRATA - 1

    def dense(self) -> NDArray[np.float32]:
        """The matrix itself."""
        matrix = np.zeros((len(self.strata), self.n_columns), dtype=np.float32)
        matrix[self.rows, self.columns] = self.weights
        return matrix


class BoostingInputs:
    """Encodes tracks over fixed vocabularies.

    Parameters
    ----------
    artist, title
        The vocabularies.
    artists
        Of `artist_codes`: the artists of the training data.
    """

    def __init__(self, artist: TfidfEncoder, title: TfidfEncoder, artists: NDArray[np.uint32]) -> None:
        self.artist, self.title = artist, title
        self.artists = frozenset(artists.tolist())
        self.n_columns = len(artist) + len(title)

    def encode(self, tracks: TrackBatch) -> EncodedTexts:
        """Encode n tracks; a text without a known word is a row of zeros."""
        artist = [self.artist.encode(text) for text in tracks.artist]
        title = [self.title.encode(text) for text in tracks.title]
        blocks = [entries(artist), entries(title, len(self.artist))]
        rows, columns, weights = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        artist_word, title_word = ([row.columns.size > 0 for row in block] for block in (artist, title))
        known_artist = [code in self.artists for code in artist_codes(tracks.artist).tolist()]
        bits = np.array([artist_word, title_word, known_artist], dtype=np.intp).reshape(3, len(tracks))
        strata = np.array([KNOWS_ARTIST_WORD, KNOWS_TITLE_WORD, KNOWS_ARTIST]) @ bits
        return EncodedTexts(self.n_columns, rows, columns, weights, strata)

    def vocabulary(self) -> dict[str, list[str]]:
        """The vocabularies as JSON-ready lists."""
        return {"artist": list(self.artist.terms), "title": list(self.title.terms)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers that belong to the vocabularies."""
        artists = np.array(sorted(self.artists), dtype=np.uint32)
        return {"artist_idf": self.artist.idf, "title_idf": self.title.idf, "artists": artists}

    @classmethod
    def restore(cls, vocabulary: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]) -> "BoostingInputs":
        """The inverse of `vocabulary` and `arrays`."""
        return cls(
            TfidfEncoder(vocabulary["artist"], arrays["artist_idf"]),
            TfidfEncoder(vocabulary["title"], arrays["title_idf"]),
            arrays["artists"],
        )


def artist_codes(artists: Iterable[str]) -> NDArray[np.uint32]:
    """A checksum of the first credited artist of each track, [n].

    Two names share one in four billion times; the wrong artist then gets an interval that is a little too narrow.
    """
    names = (normalize_text(credits.partition(";")[0]).strip() for credits in artists)
    return np.array([crc32(name.encode(errors="replace")) for name in names], dtype=np.uint32)
