"""The tracks that a DJ chooses from: columns of numbers, and the vectors of intros and outros."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.audio import AudioDescription
from core.embedding import require_same_space
from core.errors import PermanentError
from models.dj.columns import COLUMNS, N_COLUMNS, numbers_of, place
from models.dj.keys import wheel_order
from models.dj.nearest import FaissNearest, Nearest, NumpyNearest
from models.dj.scale import Scale, scale_of

Floats = NDArray[np.float32]
TrackId = int | str

#: Width of the bands of tempo in which tracks lie together, and how sure tempo and key must be for it.
_BAND_BPM = 3.0
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class TrackTable:
    """What a library is made of, for storing and loading it; n tracks, vectors of d dimensions."""

    space: str  #: Name of the embedding space.
    ids: Sequence[TrackId]  #: [n]
    numbers: Floats  #: [N_COLUMNS, n], rows as in `columns.COLUMNS`
    intro: Floats  #: [n, d], unit vectors
    outro: Floats  #: [n, d], unit vectors


@dataclass(frozen=True, slots=True)
class Current:
    """The track that plays, in the library or not."""

    space: str
    numbers: Floats  #: [N_COLUMNS]
    intro: Floats  #: [d], unit vector
    outro: Floats  #: [d], unit vector
    id: TrackId | None = None  #: Where the track is also in the library, so that it is not suggested.

    @classmethod
    def of(
        cls, description: AudioDescription, intro: Floats, outro: Floats, space: str, id: TrackId | None = None
    ) -> Self:
        """A track that was just described, its vectors float32 [d].

        Raises
        ------
        PermanentError
            `audio-not-analyzed`: a vector is zero, or not finite.
        """
        vectors = np.stack([intro, outro]).astype(np.float32)
        usable, (intro, outro) = _unit(vectors)
        if not usable.all():
            raise PermanentError(
                "audio-not-analyzed",
                "Intro or outro of the current track have no vector. Analyze its audio again.",
            )
        return cls(space, numbers_of(description), intro, outro, id)

    def __getitem__(self, name: str) -> float:
        """The number in this column."""
        return float(self.numbers[place(name)])


class DjLibrary:
    """Tracks in columns. Never changed once made; may be shared by threads.

    Tracks of similar tempo and key lie together in memory, which makes the search fast; `ids` and all arrays follow
    that order. Vectors are brought to unit length where they are not. Tracks with a vector that is zero or not
    finite, or an id that came before, are left out, and named in `left_out`.
    """

    def __init__(self, table: TrackTable) -> None:
        _require_shapes(table)
        kept, left_out = _usable(table)
        order = _by_tempo_and_key(table.numbers, kept)
        self.space = table.space
        self.left_out: list[TrackId] = left_out
        if np.array_equal(order, np.arange(len(table.ids))):  # Loaded as it was stored: nothing is copied.
            self.ids: list[TrackId] = list(table.ids)
            self.numbers = np.ascontiguousarray(table.numbers)
            self.intro, self.outro = table.intro, table.outro
        else:
            self.ids = [table.ids[row] for row in order.tolist()]
            self.numbers = np.ascontiguousarray(table.numbers[:, order])
            self.intro, self.outro = table.intro[order], table.outro[order]
        self.intro, self.outro = _unit(self.intro)[1], _unit(self.outro)[1]
        self._rows = {id: row for row, id in enumerate(self.ids)}

    @classmethod
    def of(
        cls,
        ids: Sequence[TrackId],
        descriptions: Sequence[AudioDescription],
        intro: Floats,
        outro: Floats,
        space: str,
    ) -> Self:
        """A library of n described tracks, and their vectors float32 [n, d]."""
        numbers = np.empty((N_COLUMNS, len(descriptions)), np.float32)
        for row, description in enumerate(descriptions):
            numbers[:, row] = numbers_of(description)
        return cls(TrackTable(space, ids, numbers, intro, outro))

    def table(self) -> TrackTable:
        """Everything that `DjLibrary(table)` needs; loading it again copies and sorts nothing."""
        return TrackTable(self.space, self.ids, self.numbers, self.intro, self.outro)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: object) -> bool:
        return id in self._rows

    def __getitem__(self, name: str) -> Floats:
        """The column of this name, float32 [n]."""
        column: Floats = self.numbers[place(name)]
        return column

    @cached_property
    def scale(self) -> Scale:
        """What is usual in this library."""
        return scale_of(self.numbers, self.intro, self.outro)

    def nearest(self, search: str) -> Nearest:
        """The search over intros by this library: numpy or faiss.

        Raises
        ------
        ConfigurationError
            `extra-missing`: FAISS is asked for, and not installed.
        """
        return self._faiss if search == "faiss" else NumpyNearest(self.intro)

    @cached_property
    def _faiss(self) -> FaissNearest:
        return FaissNearest(self.intro)

    def rows(self, ids: Sequence[TrackId]) -> NDArray[np.intp]:
        """Where these tracks are; those that are not in the library are passed over."""
        return np.array([self._rows[id] for id in ids if id in self._rows], np.intp)

    def current(self, id: TrackId) -> Current:
        """A track of the library as the one that plays.

        Raises
        ------
        PermanentError
            `not-found`: the library has no such track.
        """
        if id not in self._rows:
            raise PermanentError("not-found", f"Track {id} is not in the DJ's library of {len(self)} analyzed tracks.")
        row = self._rows[id]
        return Current(self.space, self.numbers[:, row], self.intro[row], self.outro[row], id)

    def require_same_space(self, current: Current) -> None:
        """Raise `PermanentError` (`embedding-space-mismatch`) unless the track can be compared with the library's."""
        require_same_space(self.space, current.space)


def _require_shapes(table: TrackTable) -> None:
    n = len(table.ids)
    right = (
        table.numbers.shape == (len(COLUMNS), n)
        and table.intro.ndim == 2
        and table.intro.shape == table.outro.shape
        and len(table.intro) == n
    )
    if not right:
        raise ValueError(
            f"{n} tracks, numbers {table.numbers.shape}, intros {table.intro.shape}, outros {table.outro.shape}"
        )


def _usable(table: TrackTable) -> tuple[NDArray[np.intp], list[TrackId]]:
    """Rows to keep, and the ids of the others."""
    good = np.isfinite(_squares(table.intro) * _squares(table.outro))
    good &= (_squares(table.intro) > 0) & (_squares(table.outro) > 0)
    seen: set[TrackId] = set()
    for row, id in enumerate(table.ids):
        if id in seen:
            good[row] = False
        seen.add(id)
    return np.flatnonzero(good), [table.ids[row] for row in np.flatnonzero(~good).tolist()]


def _by_tempo_and_key(numbers: Floats, kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows to keep: by bands of tempo, and in a band by the wheel of keys, tracks without either at the end.

    Only speed depends on this order, so the bounds of sureness here need not be those of the settings.
    """
    bpm, confidence, key, clarity = (
        numbers[place(name), kept] for name in ("bpm", "tempo_confidence", "key", "key_clarity")
    )
    band = np.where(confidence >= _SURE, np.floor(bpm / _BAND_BPM), np.nan)
    on_wheel = np.where(clarity >= _SURE, wheel_order(key), np.nan)
    order: NDArray[np.intp] = kept[np.lexsort((bpm, on_wheel, band))]
    return order


def _squares(vectors: Floats) -> Floats:
    squares: Floats = np.einsum("nd,nd->n", vectors, vectors)
    return squares


def _unit(vectors: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Which vectors [n, d] have a direction, and all at unit length; the same array where they are already."""
    lengths = np.sqrt(_squares(vectors))
    usable = np.isfinite(lengths) & (lengths > 0)
    if vectors.dtype == np.float32 and np.allclose(lengths, 1, atol=1e-3):
        return usable, vectors
    scaled: Floats = (vectors / np.where(usable, lengths, 1)[:, None]).astype(np.float32)
    return usable, scaled
