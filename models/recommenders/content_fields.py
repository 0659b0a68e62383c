"""The fields of a catalog as matrices of terms."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recommenders.catalog import Catalog
from models.recommenders.content_terms import artist_names, name_terms, word_terms

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TermsOf = Callable[[str], Sequence[str]]


class Field(NamedTuple):
    """How often each item has each term of one field."""

    name: str
    terms: list[str]  #: [t], each begins with the name of the field and a colon.
    counts: "csr_array"  #: [n, t] float32


def fields_of(catalog: Catalog) -> Iterator[Field]:
    """Every field: artists, titles and albums by their words, and all but titles also as whole names."""
    yield _texts("artist", catalog.artists, lambda text: _each(name_terms, "artist", artist_names(text)))
    yield _texts("artist-word", catalog.artists, lambda text: word_terms("artist-word", text))
    yield _texts("title", catalog.titles, lambda text: word_terms("title", text))
    albums = [album or "" for album in catalog.albums]
    yield _texts("album", albums, lambda text: name_terms("album", text))
    yield _texts("album-word", albums, lambda text: word_terms("album-word", text))
    yield _genres("genre", catalog, lambda text: name_terms("genre", text))
    yield _genres("genre-word", catalog, lambda text: word_terms("genre-word", text))


def _each(terms_of: Callable[[str, str], Sequence[str]], field: str, texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(term for text in texts for term in terms_of(field, text)))


def _texts(name: str, texts: Sequence[str], terms_of: TermsOf) -> Field:
    """One row for each text; artists and albums repeat, so every text is read once."""
    code_of = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    terms, counts = _binary(list(code_of), terms_of)
    codes = np.fromiter((code_of[text] for text in texts), dtype=np.int32, count=len(texts))
    return Field(name, terms, counts[codes])


def _genres(name: str, catalog: Catalog, terms_of: TermsOf) -> Field:
    """Tags that a thousand listeners gave do not count a thousand times: the logarithm of 1 + weight."""
    terms, of_genre = _binary(catalog.genre_names, terms_of)
    weights = catalog.genres.astype(np.float32)
    weights.data = np.log1p(weights.data)
    weights.eliminate_zeros()
    return Field(name, terms, weights @ of_genre)


def _binary(texts: Sequence[str], terms_of: TermsOf) -> "tuple[list[str], csr_array]":
    """The terms of texts, and 1 where a text has one, [texts, terms]."""
    from scipy.sparse import csr_array

    column_of: dict[str, int] = {}
    columns, ends = array("i"), array("i", [0])
    for text in texts:
        columns.extend(column_of.setdefault(term, len(column_of)) for term in terms_of(text))
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    indices, starts = (np.frombuffer(numbers, dtype=np.int32) for numbers in (columns, ends))
    return list(column_of), csr_array((ones, indices, starts), shape=(len(texts), len(column_of)))
