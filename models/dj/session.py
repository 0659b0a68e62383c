"""A whole set, planned: a beam search over the ranking, along an arc of energy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.audio_settings import DjSettings
from models.dj.arcs import Arc, aim_at
from models.dj.goals import Aim, energy_score
from models.dj.library import Current, DjLibrary, TrackId
from models.dj.ranking import rank_toward
from models.dj.set_times import Choice, Step, Timing, measured_loss_s, timed_steps
from models.dj.suggestion import Describe, History

__all__ = ["Step", "plan"]

Doubles = NDArray[np.float64]

#: What it costs to leave a limit, next to scores of 0..1.
_RELAXED = 0.2
#: What it costs to miss the wished length by one average track.
_MISSED_LENGTH = 0.2
#: Standard deviation of what a seed adds to a track's scores, so that each seed gives another set.
_VARIETY = 0.015


def plan(
    library: DjLibrary,
    start: Current | None,
    minutes: float,
    arc: Arc,
    settings: DjSettings,
    seed: int = 0,
    describe: Describe | None = None,
) -> list[Step]:
    """A set of about this many minutes, no track twice.

    `start` is the first track of the set where its id is in the library, and otherwise the track that plays before it.
    Without one, a track is chosen whose energy fits the start of the arc. The set is shorter where tracks run out, and
    empty where there are none. Each `seed` gives another set of nearly the same quality. With `describe` every
    transition of the set is simulated, and the times are those of its mix points.

    The search keeps the `settings.session_beam` best sets so far by the mean score of their steps (beam search, Lowerre
    1976), because the best next track may lead to where nothing fits.

    Raises
    ------
    PermanentError
        `embedding-space-mismatch`: the library was embedded otherwise than `start`.
    """
    if not len(library) or not minutes > 0:
        return []
    if start is not None:
        library.require_same_space(start)
    timing = Timing.of(library)
    steps: list[Step] = []
    for _ in range(2):
        search = _Search(library, 60 * minutes, arc, settings, seed, timing)
        steps = timed_steps(library, search.best(start).choices, timing, describe, settings)
        if describe is None or len(steps) < 2:
            break
        # Mix points leave out more or less of each track than was thought when the number of tracks was chosen.
        timing = replace(timing, lost_s=measured_loss_s(library, steps, timing))
    return steps


@dataclass(frozen=True, slots=True)
class _Path:
    """A set in the making."""

    choices: tuple[Choice, ...]
    total_s: float  #: Length of the set so far
    score_sum: float

    @property
    def ids(self) -> tuple[TrackId, ...]:
        """The tracks, in order."""
        return tuple(choice.id for choice in self.choices)

    @property
    def score(self) -> float:
        """Mean score of the steps; paths of different lengths compare."""
        return self.score_sum / max(len(self.choices), 1)


@dataclass(frozen=True, slots=True)
class _Search:
    library: DjLibrary
    wished_s: float
    arc: Arc
    settings: DjSettings
    seed: int
    timing: Timing

    def best(self, start: Current | None) -> _Path:
        """The best set."""
        variety = np.random.default_rng(self.seed).normal(0, _VARIETY, len(self.library))
        paths, before = self._openings(start, variety)
        finished: list[_Path] = [path for path in paths if path.total_s >= self.wished_s]
        paths = [path for path in paths if path.total_s < self.wished_s]
        while paths:
            longer: dict[frozenset[TrackId], _Path] = {}
            for path in paths:
                children = self._longer(path, before, variety)
                if not children or any(child.total_s >= self.wished_s for child in children):
                    finished.append(path)
                finished += [child for child in children if child.total_s >= self.wished_s]
                # Of the same tracks in another order the better order goes on.
                for child in children:
                    same = longer.get(frozenset(child.ids))
                    if child.total_s < self.wished_s and (same is None or child.score > same.score):
                        longer[frozenset(child.ids)] = child
            paths = sorted(longer.values(), key=lambda path: -path.score)[: self.settings.session_beam]
        return max(finished, key=self._worth)

    def _worth(self, path: _Path) -> float:
        """The mean score, less what the missed length costs."""
        missed = abs(path.total_s - self.wished_s) / self.timing.usual_s
        return path.score - _MISSED_LENGTH * missed

    def _openings(self, start: Current | None, variety: Doubles) -> tuple[list[_Path], Current | None]:
        """The sets of one track to begin with, or the empty set after a track that is not part of it."""
        if start is not None and (start.id is None or start.id not in self.library):
            return [_Path((), 0.0, 0.0)], start
        target, scale = self._aim(0.0), self.library.scale
        energy = self.library["whole_energy"]
        fit = energy_score(target, energy, scale.energy_low, scale.energy_high)
        scores = np.nan_to_num(fit, nan=0.0) + variety
        if start is not None and start.id is not None:
            rows = self.library.rows([start.id])
        else:
            rows = np.argsort(-scores, kind="stable")[: self.settings.session_beam]
        paths = []
        for row in rows.tolist():
            opening = Choice(self.library.ids[row], None, target.energy or 0.0)
            paths.append(_Path((opening,), self._seconds(row), float(scores[row])))
        return paths, None

    def _longer(self, path: _Path, before: Current | None, variety: Doubles) -> list[_Path]:
        """The set with each of its best next tracks."""
        current = self.library.current(path.ids[-1]) if path.choices else before
        if current is None:
            return []
        aim = self._aim(path.total_s)
        suggestions = rank_toward(
            self.library, current, History(path.ids), aim, self.settings, self.settings.session_beam
        )
        children = []
        for suggestion in suggestions:
            row = int(self.library.rows([suggestion.id])[0])
            score = suggestion.score + float(variety[row]) - _RELAXED * bool(suggestion.relaxed)
            seconds = self._seconds(row)
            added_s = seconds - (self.timing.overlap_s(seconds) if path.choices else 0.0)
            choices = (*path.choices, Choice(suggestion.id, suggestion, aim.energy or 0.0))
            children.append(_Path(choices, path.total_s + added_s, path.score_sum + score))
        return children

    def _seconds(self, row: int) -> float:
        return self.timing.seconds(float(self.library["duration_s"][row]))

    def _aim(self, at_s: float) -> Aim:
        """What a track that begins here should do: the arc in the middle of the track."""
        scale = self.library.scale
        part = min((at_s + self.timing.usual_s / 2) / self.wished_s, 1.0)
        return aim_at(self.arc, part, scale.energy_low, scale.energy_high)
