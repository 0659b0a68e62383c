"""What every recommender takes and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.user_models import ModelKind
from models.recommenders.history import History

#: The files of an artifact: name and content. None of them may be a format that runs code when it is read.
ModelFiles = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Items with their scores, the best first. Scores compare within one answer only."""

    positions: NDArray[np.intp]  #: [m]
    scores: NDArray[np.float32]  #: [m], descending.

    def __len__(self) -> int:
        return len(self.positions)


class Recommender(Protocol):
    """A model of one user, bound to a catalog. Pure: no database, no network, the same answer every time."""

    @property
    def kind(self) -> ModelKind:
        """Which of the three it is."""
        ...

    def rank(self, history: History, excluded: NDArray[np.bool_], limit: int) -> Scored:
        """At most `limit` items that are not excluded ([n]), the best first; ties go to the lower position."""
        ...

    def scores(self, history: History, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """The score of each of the given items, [m], on the scale of `rank`."""
        ...


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a training leaves: files to keep, and figures for operators."""

    kind: ModelKind
    design: str  #: Version of the method, e.g. "m1-1".
    files: ModelFiles
    metrics: Mapping[str, Any] = field(default_factory=dict)  #: JSON.


def best_first(scores: NDArray[np.float32], excluded: NDArray[np.bool_], limit: int) -> Scored:
    """The `limit` best of all items, given the score of every item, [n]; ties go to the lower position."""
    open_to = np.flatnonzero(~excluded)
    values = scores[open_to]
    if 0 < limit < len(open_to):
        # Keep every tie with the last place, so that the order decides between them and not the partition.
        threshold = np.partition(values, len(values) - limit)[len(values) - limit]
        kept = values >= threshold
        open_to, values = open_to[kept], values[kept]
    order = np.lexsort((open_to, -values))[:limit]
    return Scored(open_to[order], np.asarray(values[order], dtype=np.float32))
