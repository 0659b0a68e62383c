"""What the blend reads of a track, as arrays: the same for training and for serving."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch
from models.predictors.blend.genre_space import GenreSpace
from models.predictors.blend.names import credits, key, plain
from models.predictors.blend.numbers import numbers, splines, years
from models.predictors.blend.tokens import character_ngrams, distinct_words, tag_tokens, title_words
from models.predictors.blend.vocabulary import SparseRows, Vocabulary

#: A genre vector of length one among standardized numbers.
_GENRE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class TrackTexts:
    """Texts of n tracks in plain spelling."""

    credits: list[tuple[str, ...]]
    tags: list[tuple[str, ...]]  #: Own genres, those of the leading artist, else those of the guests
    looked_up: list[tuple[str, ...]]  #: Genres of the leading artist
    tokens: list[dict[str, Sequence[str]]]  #: By kind


@dataclass(frozen=True, slots=True)
class Description:
    """n tracks as arrays."""

    tokens: SparseRows  #: TF-IDF over the vocabulary
    numbers: NDArray[np.float32]  #: [n, len(NUMBERS)], NaN where unknown
    genres: NDArray[np.float32]  #: [n, d], place in the space of genres
    credits: list[list[int]]  #: Keys of the credited artists, the leading one first
    album: NDArray[np.uint64]  #: [n], key of the album's name; 0 without one

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.integer]) -> "Description":
        """The given tracks, in that order."""
        return Description(
            self.tokens.take(rows),
            self.numbers[rows],
            self.genres[rows],
            [self.credits[row] for row in rows.tolist()],
            self.album[rows],
        )

    @property
    def years(self) -> NDArray[np.float32]:
        """Release years, NaN where unknown, [n]."""
        return years(self.numbers)

    def dense(self) -> NDArray[np.float32]:
        """The dense inputs of linear models and networks before standardization of the numbers, [n, c]."""
        return np.hstack([splines(self.numbers), self.genres * np.float32(_GENRE_WEIGHT), self.numbers])


class Describer:
    """Turns metadata into descriptions. Popularity is not among what it reads."""

    def __init__(self, vocabulary: Vocabulary, genre_space: GenreSpace) -> None:
        self.vocabulary = vocabulary
        self.genre_space = genre_space

    def describe(self, tracks: TrackBatch) -> Description:
        """Describe n tracks; any field but the artist may be missing."""
        texts = read_texts(tracks, self.genre_space)
        columns = self.vocabulary.columns
        cells = [columns(kind, tokens) for track in texts.tokens for kind, tokens in track.items()]
        return Description(
            tokens=self.vocabulary.rows(cells),
            numbers=numbers(tracks, texts.credits, texts.looked_up),
            genres=self.genre_space.embed(texts.tags),
            credits=[[key(name) for name in names] for names in texts.credits],
            album=np.array(
                [key(name) if (name := plain(album or "")) else 0 for album in tracks.album], dtype=np.uint64
            ),
        )


def read_texts(tracks: TrackBatch, genre_space: GenreSpace) -> TrackTexts:
    """The texts of tracks, with the genres of their artists looked up."""
    credited = [credits(artist, title) for artist, title in zip(tracks.artist, tracks.title, strict=True)]
    looked_up, of_guests = _look_up(credited, genre_space)
    tags: list[tuple[str, ...]] = []
    tokens: list[dict[str, Sequence[str]]] = []
    for row, names in enumerate(credited):
        own = [name for genre in tracks.genres[row] if (name := plain(genre))]
        tags.append((*own, *looked_up[row]) or of_guests[row])
        title, album = plain(tracks.title[row]), plain(tracks.album[row] or "")
        tag, tag_words = tag_tokens(own, looked_up[row], of_guests[row])
        tokens.append(
            {
                "tag": tag,
                "tag word": tag_words,
                "title word": title_words(title),
                "title chars": character_ngrams(title),
                "artist word": distinct_words(names),
                "artist chars": character_ngrams(names[0]),
                "album word": distinct_words((album,)),
                "album chars": character_ngrams(album),
            }
        )
    return TrackTexts(credited, tags, looked_up, tokens)


def _look_up(
    credited: list[tuple[str, ...]], genre_space: GenreSpace
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Genres of the leading artist, and of all others, for each track."""
    names = list(dict.fromkeys(name for track in credited for name in track))
    known = dict(zip(names, genre_space.look_up(names), strict=True))
    leading = [known[track[0]] for track in credited]
    guests = [tuple(dict.fromkeys(genre for name in track[1:] for genre in known[name])) for track in credited]
    return leading, guests
