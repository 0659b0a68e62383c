"""The nearest vectors among those that are allowed: exact, because a library of 100,000 needs no approximation."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

_BLOCK = 64
#: Up to so many forbidden blocks are computed on the way, rather than starting another product behind them.
_GAP = 4
#: No piece has more rows, so that threads share the work evenly.
_LONGEST = 4096
#: From so many numbers to multiply on, threads are worth their start.
_WORTH_THREADS = 4_000_000
_THREADS = min(os.cpu_count() or 1, 4)


class Nearest(Protocol):
    """A search over unit vectors [n, d]."""

    def __call__(self, query: Floats, allowed: Mask, k: int) -> tuple[Rows, Floats]:
        """The rows of the k largest cosines with `query` [d] where `allowed` [n], and the cosines, descending.

        Fewer than k where fewer are allowed. Of equal cosines the lower row comes first.
        """


class NumpyNearest:
    """Exact search by dot products over the pieces of the matrix that hold allowed rows.

    Nothing of the matrix is copied: gathering scattered rows costs more than reading past the rows between them. Memory
    is the limit, so a few threads of our own do as well as those of BLAS, which on a busy machine lose far more time
    waiting for each other than they gain.
    """

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix

    def __call__(self, query: Floats, allowed: Mask, k: int) -> tuple[Rows, Floats]:
        """See `Nearest`."""
        cosines = np.empty(len(self._matrix), np.float32)
        query = np.ascontiguousarray(query, np.float32)

        def fill(piece: tuple[int, int]) -> None:
            start, stop = piece
            np.vecdot(self._matrix[start:stop], query, out=cosines[start:stop])

        found = list(pieces(allowed))
        if sum(stop - start for start, stop in found) * self._matrix.shape[1] < _WORTH_THREADS:
            for piece in found:
                fill(piece)
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(fill, found))
        rows = np.flatnonzero(allowed)
        return _best(rows, cosines[rows], k)


class FaissNearest:
    """The same by a flat index of FAISS (Douze et al., "The Faiss library", 2024).

    Raises
    ------
    ConfigurationError
        `extra-missing`: FAISS is not installed.
    """

    def __init__(self, matrix: Floats) -> None:
        faiss = _faiss()
        self.index: Any = faiss.IndexFlatIP(matrix.shape[1])
        self.index.add(np.ascontiguousarray(matrix))

    def __call__(self, query: Floats, allowed: Mask, k: int) -> tuple[Rows, Floats]:
        """See `Nearest`."""
        faiss = _faiss()
        bits = np.packbits(allowed, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits))
        k = min(k, int(allowed.sum()))
        if not k:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        cosines, rows = self.index.search(query[None], k, params=faiss.SearchParameters(sel=selector))
        return _best(rows[0].astype(np.intp), cosines[0], k)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ConfigurationError(
            "extra-missing",
            "MUSICSPACE_DJ__SEARCH=faiss needs FAISS: pip install 'musicspace[faiss]'. numpy finds the same.",
        ) from error
    return faiss


def pieces(allowed: Mask) -> Iterator[tuple[int, int]]:
    """Ranges of rows that together hold every allowed one, and few others."""
    n = len(allowed)
    starts = np.arange(0, n, _BLOCK)
    blocks = np.flatnonzero(np.logical_or.reduceat(allowed, starts)) if n else starts
    if not len(blocks):
        return
    breaks = np.flatnonzero(np.diff(blocks) > _GAP + 1)
    first = blocks[np.r_[0, breaks + 1]]
    last = blocks[np.r_[breaks, len(blocks) - 1]]
    for start, stop in zip(first.tolist(), last.tolist(), strict=True):
        end = min((stop + 1) * _BLOCK, n)
        for piece in range(start * _BLOCK, end, _LONGEST):
            yield piece, min(piece + _LONGEST, end)


def _best(rows: Rows, cosines: Floats, k: int) -> tuple[Rows, Floats]:
    """The k largest, descending; ties by row."""
    if len(rows) > k:
        worst = np.partition(cosines, len(rows) - k)[len(rows) - k]
        kept = np.flatnonzero(cosines >= worst)
        rows, cosines = rows[kept], cosines[kept]
    order = np.lexsort((rows, -cosines))[:k]
    return rows[order], cosines[order]
