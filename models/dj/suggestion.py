"""What the ranking takes beside the library, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.audio import AudioDescription
from models.dj.library import TrackId
from models.dj.transition import Transition

#: Fetches the descriptions of a few tracks, those that there are; profiles and beats are too much to keep of all.
Describe = Callable[[Sequence[TrackId]], Mapping[TrackId, AudioDescription]]


@dataclass(frozen=True, slots=True)
class History:
    """What has been played, the latest last. Ids that the library does not have do no harm."""

    played: tuple[TrackId, ...] = ()

    def add(self, id: TrackId) -> "History":
        """The history with one more track."""
        return History((*self.played, id))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A track that may come next, and everything that speaks for and against it.

    `terms` are in 0..1, 0.5 where nothing is known; `weights` sum to 1, and `score` is the weighted sum of the terms,
    mixed with the score of the `transition` where that was simulated.
    """

    id: TrackId
    score: float
    terms: Mapping[str, float]
    weights: Mapping[str, float]
    bpm: float | None
    tempo_change_percent: float | None  #: By which this track is played faster (or slower, below 0).
    tempo_relation: str | None  #: "same", "half" or "double": this track's tempo, seen from the one that plays.
    camelot: str | None
    current_camelot: str | None
    why: str
    relaxed: tuple[str, ...] = field(default=())  #: Limits that were lifted because nothing was left: key, tempo.
    transition: Transition | None = None
