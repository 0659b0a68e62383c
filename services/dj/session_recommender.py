"""The DJ as a library: `SessionRecommender(index_dir).next(current_path, goal, top_k)`."""

import threading
from dataclasses import dataclass
from pathlib import Path

from core.audio_settings import DjSettings
from core.settings import Settings, get_settings
from models.dj.arcs import Arc
from models.dj.goals import Goal
from models.dj.ranking import rank
from models.dj.session import Step, plan
from models.dj.suggestion import History, Suggestion
from services.dj.folder_index import FolderIndex, Playing


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A track to play next: its file, and why."""

    file: Path
    suggestion: Suggestion


@dataclass(frozen=True, slots=True)
class PlannedTrack:
    """A track of a planned set."""

    file: Path
    duration_s: float  #: Of the whole file.
    step: Step


class SessionRecommender:
    """Suggests what to play next from an index of `musicspace dj build`, and remembers what was played.

    May be shared by threads. The index is the one that there was when this was made; a later build does not change it.

    Parameters
    ----------
    index_dir
        The folder of the index.
    settings
        Weights, limits and the embedder. None: those of the environment.
    dj
        Replaces the DJ's settings in `settings`, and the tolerance that the index was built with.

    Raises
    ------
    PermanentError
        `dj-index-missing` or `dj-index-corrupt`.
    """

    def __init__(self, index_dir: Path | str, settings: Settings | None = None, dj: DjSettings | None = None) -> None:
        settings = settings or get_settings()
        self.index = FolderIndex(Path(index_dir), settings)
        tolerance = {"bpm_tolerance": self.index.header.bpm_tolerance}
        self.settings = dj or settings.dj.model_copy(update=tolerance)
        self._history = History()
        self._lock = threading.Lock()

    @property
    def history(self) -> History:
        """What was played, as far as it is in the index."""
        return self._history

    def add_played(self, track: Path | str | int) -> None:
        """A track, by its file or its id, was played: it is not suggested again, and recent ones are varied.

        A file outside of the index changes nothing.

        Raises
        ------
        PermanentError
            `file-not-found`.
        """
        track_id = self.index.find(str(track))
        if track_id is not None:
            with self._lock:
                self._history = self._history.add(track_id)

    def next(
        self, current: Path | str | int, goal: Goal | str = Goal.MAINTAIN, top_k: int = 10
    ) -> list[Recommendation]:
        """The best tracks to follow the one that plays, the best first.

        `current` is a file, or the id of a track. A file outside of the index is listened to, which takes a moment.

        Raises
        ------
        PermanentError
            `file-not-found`, an `audio-*` code, or `embedding-space-mismatch`.
        """
        return self.after(self.index.playing(str(current)), Goal(goal), top_k)

    def after(self, playing: Playing, goal: Goal, top_k: int) -> list[Recommendation]:
        """The same after a track that was looked up before."""
        suggestions = rank(
            self.index.library,
            playing.current,
            self._history,
            goal,
            self.settings,
            top_k,
            self.index.describe,
            playing.description,
        )
        return [Recommendation(self.index.file(suggestion.id), suggestion) for suggestion in suggestions]

    def plan(
        self, minutes: float, arc: Arc | str, start: Path | str | int | None = None, seed: int = 0
    ) -> list[PlannedTrack]:
        """A whole set. A `start` from the index opens it; one from elsewhere plays before it."""
        first = None if start is None else self.index.playing(str(start)).current
        steps = plan(self.index.library, first, minutes, Arc(arc), self.settings, seed, self.index.describe)
        durations = self.index.library["duration_s"][self.index.library.rows([step.id for step in steps])]
        return [
            PlannedTrack(self.index.file(step.id), duration_s, step)
            for step, duration_s in zip(steps, durations.tolist(), strict=True)
        ]
