"""Artist and title as tokens: whole names, words and character n-grams of a trained vocabulary.

The text is "{artist} - {title}", in lower case and without punctuation. An artist's whole name and the words of each
half are tokens of their own, so that a band called "Blue" differs from a song called "Blue"; character n-grams within
words, shared by both halves, carry spelling, language and unseen words (Bojanowski et al., 2017).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from models.tfidf import CACHE_SIZE, normalize_text

MAX_TOKENS = 128
MAX_TERMS = 50_000
#: A token that fewer training tracks have says little about the next one.
MIN_TRACKS = 3

_GRAM_LENGTHS = (3, 4)
# A longer word is no word; its middle would fill the vocabulary with noise.
_MAX_WORD = 40
_MAX_ARTISTS = 4
# What a token is; none of these marks is left in plain text.
_NAME, _ARTIST_WORD, _TITLE_WORD, _GRAM = "@", "a:", "t:", "~"
_PUNCTUATION = re.compile(r"[^\w\s]|_")


class TextRows(NamedTuple):
    """Rows of the embedding table for one text, or a part of it. Shared between callers."""

    names: tuple[int, ...]  #: Whole names of artists
    words: tuple[int, ...]
    grams: tuple[int, ...]


def plain(text: str) -> str:
    """Lower case, no punctuation, single spaces."""
    return " ".join(_PUNCTUATION.sub(" ", normalize_text(text)).split())


def sentence(artist: str, title: str) -> str:
    """The text as a sentence encoder reads it: "{artist} - {title}", both plain, at most 128 words."""
    return f"{' '.join(plain(artist).split()[:MAX_TOKENS])} - {' '.join(plain(title).split()[:MAX_TOKENS])}"


def tokens(artist: str, title: str) -> list[str]:
    """All tokens of a track: names, words and n-grams."""
    words, title_words = _artist_words(artist), plain(title).split()
    grams = [gram for word in [*words, *title_words] for gram in word_grams(word)]
    names = map(_name_token, _artist_names(artist))
    return [*names, *map(_artist_token, words), *map(_title_token, title_words), *grams]


class NgramVocabulary:
    """The tokens a network knows; the position of a token is its row in the embedding table."""

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms = tuple(terms)
        self._row = {term: row for row, term in enumerate(self.terms)}
        # Artists repeat within a playlist, and so do the words of titles.
        self._artist_rows = lru_cache(maxsize=CACHE_SIZE)(self._look_up_artist)
        self._title_word_rows = lru_cache(maxsize=CACHE_SIZE)(self._look_up_title_word)

    def __len__(self) -> int:
        return len(self.terms)

    def encode(self, artist: str, title: str) -> TextRows:
        """Rows of the first `MAX_TOKENS` known tokens, names and words first; possibly none."""
        parts = [self._artist_rows(artist), *map(self._title_word_rows, plain(title).split())]
        names = parts[0].names
        words = [row for part in parts for row in part.words][: MAX_TOKENS - len(names)]
        grams = [row for part in parts for row in part.grams][: MAX_TOKENS - len(names) - len(words)]
        return TextRows(names, tuple(words), tuple(grams))

    def knows_artist(self, artist: str) -> bool:
        """Whether the first credited artist is a name of the vocabulary."""
        return _name_token(plain(artist.partition(";")[0])) in self._row

    def names_only(self) -> "NgramVocabulary":
        """The vocabulary of artists' whole names, for a network whose text is read by a sentence encoder."""
        return NgramVocabulary([term for term in self.terms if term.startswith(_NAME)])

    def _look_up_artist(self, artist: str) -> TextRows:
        grams = [gram for word in _artist_words(artist) for gram in word_grams(word)]
        names, words = map(_name_token, _artist_names(artist)), map(_artist_token, _artist_words(artist))
        return TextRows(self._rows(names), self._rows(words), self._rows(grams))

    def _look_up_title_word(self, word: str) -> TextRows:
        return TextRows((), self._rows([_title_token(word)]), self._rows(word_grams(word)))

    def _rows(self, found: Iterable[str]) -> tuple[int, ...]:
        return tuple(row for token in found if (row := self._row.get(token)) is not None)


@lru_cache(maxsize=CACHE_SIZE)
def word_grams(word: str) -> tuple[str, ...]:
    """Tokens of the character n-grams of a word, its ends marked."""
    marked = f"<{word[:_MAX_WORD]}>"
    return tuple(_GRAM + marked[at : at + length] for length in _GRAM_LENGTHS for at in range(len(marked) - length + 1))


def _artist_names(artist: str) -> list[str]:
    return [name for name in map(plain, artist.split(";")[:_MAX_ARTISTS]) if name]


def _artist_words(artist: str) -> list[str]:
    return [word for name in _artist_names(artist) for word in name.split()]


def _name_token(name: str) -> str:
    return _NAME + name


def _artist_token(word: str) -> str:
    return _ARTIST_WORD + word


def _title_token(word: str) -> str:
    return _TITLE_WORD + word


def fit_vocabulary(texts: Iterable[Sequence[str]], max_terms: int = MAX_TERMS) -> NgramVocabulary:
    """The `max_terms` tokens that most tracks have; ties go to the alphabetically first.

    Parameters
    ----------
    texts
        The tokens of each training track.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(text))
    frequent = sorted((term for term, n in counts.items() if n >= MIN_TRACKS), key=lambda term: (-counts[term], term))
    return NgramVocabulary(sorted(frequent[:max_terms]))
