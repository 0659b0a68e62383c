"""Trigram similarity exactly as PostgreSQL's extension pg_trgm defines it, and an index to search by it.

A text is split into words of letters and digits; a word gets two spaces before and one after; the text is the set of
all runs of three characters in its padded words. The similarity of two texts is the Jaccard index of their sets.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# A code point has 21 bits, so three of them fit into 63.
_BITS = 21
_SPACE = 32
#: Similarities are quotients of small integers; so much less than a threshold still is the threshold.
SLACK = 1e-9


def words_of(text: str) -> str:
    """Lower-case words of letters and digits, separated by single spaces: all that trigrams are made of."""
    text = text.lower()
    if text.replace(" ", "").isalnum():
        return " ".join(text.split())
    return " ".join("".join(char if char.isalnum() else " " for char in text).split())


@lru_cache(maxsize=262_144)
def trigrams(text: str) -> frozenset[str]:
    """The set of trigrams of a text; empty where it has no letter and no digit."""
    found: set[str] = set()
    for word in words_of(text).split():
        padded = f"  {word} "
        found.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return frozenset(found)


def similarity(one: str, other: str) -> float:
    """Jaccard index of the two sets of trigrams, in 0..1; 0 where either set is empty."""
    first, second = trigrams(one), trigrams(other)
    if not first or not second:
        return 0.0
    common = len(first & second)
    return common / (len(first) + len(second) - common)


class TrigramIndex:
    """Finds, among n texts, all that are similar to a given one.

    For every trigram it keeps which texts hold it (as rows of a sparse matrix: `starts` and `texts`), so that the texts
    in common are counted without looking at the others.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        owners, codes = _codes(texts)
        order = np.argsort(codes, kind="stable")
        self._vocabulary, first = np.unique(codes[order], return_index=True)
        self._starts = np.append(first, len(codes))
        self._owners = owners[order].astype(np.int32)
        self._sizes = np.bincount(owners, minlength=len(texts)).astype(np.int32)

    def search(self, queries: Sequence[str], thresholds: Sequence[float]) -> list[Ints]:
        """For every query, which texts are similar to it.

        Parameters
        ----------
        queries : m texts
        thresholds : m smallest similarities, above 0

        Returns
        -------
        Positions of texts, ascending, an int64 array a query.
        """
        owners, codes = _codes(queries)
        position = np.searchsorted(self._vocabulary, codes)
        position[position == len(self._vocabulary)] = 0
        known = self._vocabulary[position] == codes if len(self._vocabulary) else np.zeros(len(codes), np.bool_)
        bounds = pairwise(np.searchsorted(owners, np.arange(len(queries) + 1)).tolist())
        return [
            self._similar(position[start:stop][known[start:stop]], stop - start, threshold)
            for (start, stop), threshold in zip(bounds, thresholds, strict=True)
        ]

    def _similar(self, rows: Ints, n_trigrams: int, threshold: float) -> Ints:
        """Texts that share enough of the trigrams at `rows` of the index with a text that has `n_trigrams`."""
        needed = max(int(np.ceil(threshold * n_trigrams - SLACK)), 1)
        if len(rows) < needed:
            return np.empty(0, np.int64)
        holders = [self._owners[self._starts[row] : self._starts[row + 1]] for row in rows.tolist()]
        counts = np.bincount(np.concatenate(holders), minlength=len(self._sizes))
        candidates = np.flatnonzero(counts >= needed)
        common = counts[candidates]
        return candidates[common >= (threshold - SLACK) * (n_trigrams + self._sizes[candidates] - common)]


def _codes(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """The trigrams of all texts, each once a text: which text, ascending, and the trigram as one number."""
    padded = [f"  {words_of(text).replace(' ', '   ')} " for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    if len(points) < 3:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    owner = np.repeat(np.arange(len(texts)), np.fromiter(map(len, padded), np.int64, len(texts)))[:-2]
    first, second, third = points[:-2], points[1:-1], points[2:]
    # The padding between two words, or two texts, ends in runs that belong to none.
    inside = ~((second == _SPACE) & (third == _SPACE))
    codes = ((first << 2 * _BITS) | (second << _BITS) | third)[inside]
    owner = owner[inside]
    order = np.lexsort((codes, owner))
    owner, codes = owner[order], codes[order]
    new = np.ones(len(codes), np.bool_)
    new[1:] = (codes[1:] != codes[:-1]) | (owner[1:] != owner[:-1])
    return owner[new], codes[new]
