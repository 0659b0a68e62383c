"""Word TF-IDF of short texts: equal to scikit-learn's `TfidfVectorizer`, light enough for a worker process.

The idf is the smoothed one, ln((1 + documents) / (1 + document frequency)) + 1, and every text has unit L2 norm, see
https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Artists and albums repeat within a playlist, so most texts of a chunk are answered from the cache.
CACHE_SIZE = 1 << 15

_WORD = re.compile(r"\b\w\w+\b")


class SparseRow(NamedTuple):
    """The non-zero entries of one row, columns ascending. Shared between callers: never write to it."""

    columns: NDArray[np.int32]  #: [k]
    weights: NDArray[np.float32]  #: [k]


def normalize_text(text: str) -> str:
    """NFKC and lower case, so that full-width, decomposed and capital letters fall together."""
    return unicodedata.normalize("NFKC", text).lower()


def words(text: str) -> list[str]:
    """The words of two or more letters or digits of any script, normalized, in order."""
    return _WORD.findall(normalize_text(text))


class TfidfEncoder:
    """Maps a text to its TF-IDF row over a fixed vocabulary.

    Parameters
    ----------
    terms
        The vocabulary; the position of a term is its column.
    idf
        Inverse document frequency of each term, [len(terms)].
    """

    def __init__(self, terms: Sequence[str], idf: NDArray[np.floating]) -> None:
        if len(terms) != len(idf):
            raise ValueError(f"{len(terms)} terms but {len(idf)} idf weights")
        self.terms = tuple(terms)
        self.idf = np.asarray(idf, dtype=np.float64)
        self._column = {term: column for column, term in enumerate(self.terms)}
        self.encode = lru_cache(maxsize=CACHE_SIZE)(self._encode)

    def __len__(self) -> int:
        return len(self.terms)

    def _encode(self, text: str) -> SparseRow:
        counts = Counter(column for word in words(text) if (column := self._column.get(word)) is not None)
        columns = np.array(sorted(counts), dtype=np.int32)
        weights = np.array([counts[column] for column in columns], dtype=np.float64) * self.idf[columns]
        norm = float(np.sqrt(weights @ weights)) or 1.0
        return SparseRow(columns, (weights / norm).astype(np.float32))


def fit_tfidf(texts: Iterable[str], max_terms: int) -> TfidfEncoder:
    """Learn the `max_terms` most frequent words of `texts` and their idf; ties go to the alphabetically first word."""
    occurrences: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    n_texts = 0
    for text in texts:
        found = words(text)
        occurrences.update(found)
        documents.update(set(found))
        n_texts += 1
    frequent = sorted(occurrences, key=lambda term: (-occurrences[term], term))[:max_terms]
    terms = sorted(frequent)
    document_frequency = np.array([documents[term] for term in terms], dtype=np.float64)
    return TfidfEncoder(terms, np.log((1 + n_texts) / (1 + document_frequency)) + 1)


def entries(
    encoded: Sequence[SparseRow], first_column: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """The non-zero entries of n encoded texts as rows, columns and weights of a matrix, [entries] each."""
    lengths = np.array([row.columns.size for row in encoded], dtype=np.intp)
    rows = np.repeat(np.arange(len(encoded)), lengths)
    columns = _joined([row.columns for row in encoded]).astype(np.intp) + first_column
    return rows, columns, _joined([row.weights for row in encoded]).astype(np.float32)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0)
