"""The nearest tracks that the limits leave, and how like those before them they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio_settings import DjSettings
from models.dj.columns import place
from models.dj.filters import TempoMatch, match_tempos
from models.dj.library import Current, DjLibrary

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

#: Two tracks whose vectors are so alike, and whose lengths differ by less, are one recording in two files.
_COPY_COSINE = 0.99
_COPY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Candidates:
    """The c tracks that are ranked in full; r tracks came before, the one that plays and those played last."""

    rows: Rows  #: [c], in the library
    cosines: Floats  #: [c], of the outro that plays and their intros
    numbers: Floats  #: [N_COLUMNS, c]
    tempo: TempoMatch
    before: Floats  #: [N_COLUMNS, r], the numbers of the tracks before
    intro_likeness: Floats  #: [c, r], cosines of the intros with those of the tracks before
    outro_likeness: Floats  #: [c, r], the same of the outros

    def __getitem__(self, name: str) -> Floats:
        """The column of this name, float32 [c]."""
        column: Floats = self.numbers[place(name)]
        return column

    def take(self, places: Rows) -> "Candidates":
        """Those at these places."""
        tempo = TempoMatch(
            self.tempo.difference_bpm[places], self.tempo.change_percent[places], self.tempo.relation[places]
        )
        return Candidates(
            self.rows[places],
            self.cosines[places],
            self.numbers[:, places],
            tempo,
            self.before,
            self.intro_likeness[places],
            self.outro_likeness[places],
        )


def find(library: DjLibrary, current: Current, played: Rows, allowed: Mask, settings: DjSettings, k: int) -> Candidates:
    """The k tracks whose intros are nearest to the outro that plays, but no copies of it or of what was `played`.

    `played` are rows, the latest last.
    """
    rows, cosines = library.nearest(settings.search)(current.outro, allowed, k)
    numbers = library.numbers[:, rows]
    recent = played[::-1][: settings.recent]
    found = Candidates(
        rows,
        cosines,
        numbers,
        match_tempos(current["bpm"], numbers[place("bpm")]),
        np.column_stack([current.numbers, library.numbers[:, recent]]),
        _cosines(library.intro, rows, np.vstack([current.intro, library.intro[recent]])),
        _cosines(library.outro, rows, np.vstack([current.outro, library.outro[recent]])),
    )
    copies = _copies(library, found, played)
    return found.take(np.flatnonzero(~copies)) if copies.any() else found


def distinct(library: DjLibrary, rows: Rows, k: int) -> list[int]:
    """Places of the first k of these rows of which none is a copy of one before it."""
    lengths = library["duration_s"][rows]
    first, second = np.nonzero(np.triu(np.abs(lengths[:, None] - lengths) < _COPY_SECONDS, 1))
    copied: set[int] = set()
    alike = _one_recording(library, rows[first], rows[second])
    for before, after in zip(first[alike].tolist(), second[alike].tolist(), strict=True):
        if before not in copied:
            copied.add(after)
    return [at for at in range(len(rows)) if at not in copied][:k]


def _cosines(vectors: Floats, rows: Rows, before: Floats) -> Floats:
    # Not by a product of matrices: threads of BLAS cost more than they gain here, on a busy machine far more.
    cosines: Floats = np.vecdot(vectors[rows][:, None], before[None])
    return cosines


def _copies(library: DjLibrary, found: Candidates, played: Rows) -> Mask:
    """Which are a recording that plays or was played, in another file."""
    lengths = found["duration_s"]
    copies: Mask = np.minimum(found.intro_likeness[:, 0], found.outro_likeness[:, 0]) > _COPY_COSINE
    copies &= np.abs(lengths - found.before[place("duration_s"), 0]) < _COPY_SECONDS
    of, before = np.nonzero(np.abs(lengths[:, None] - library["duration_s"][played]) < _COPY_SECONDS)
    copies[of[_one_recording(library, found.rows[of], played[before])]] = True
    return copies


def _one_recording(library: DjLibrary, first: Rows, second: Rows) -> Mask:
    """Whether two tracks of one length are the same recording, pair by pair."""
    alike: Mask = np.vecdot(library.intro[first], library.intro[second]) > _COPY_COSINE
    alike &= np.vecdot(library.outro[first], library.outro[second]) > _COPY_COSINE
    return alike
