"""When each track of a set comes in and goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.audio import AudioDescription
from core.audio_settings import DjSettings
from models.dj.columns import place
from models.dj.library import DjLibrary, TrackId
from models.dj.suggestion import Describe, Suggestion
from models.dj.transition import Transition, simulate

#: Seconds of each track that its successor covers or leaves out, until that is known better.
_LOST_S = 12.0
#: Length of a track that does not tell, where no track does.
_USUAL_S = 210.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A track of a set, why it was chosen (None for the first), and the energy that was asked for."""

    id: TrackId
    suggestion: Suggestion | None
    target_energy: float


@dataclass(frozen=True, slots=True)
class Step:
    """One track of a set."""

    id: TrackId
    starts_s: float  #: When it comes in, seconds from the start of the set.
    plays_s: float  #: How long it sounds, crossfades at both ends included.
    in_at_s: float  #: Where in the track it comes in.
    out_at_s: float  #: Where in the track the next one comes in; the end of the last track.
    target_energy: float  #: 0..1, what the arc asks for.
    energy: float | None  #: 0..1, what the track has.
    suggestion: Suggestion | None  #: All terms; None for the first track, which follows nothing.
    transition: Transition | None  #: From the track before; None for the first, and where nothing was simulated.


@dataclass(frozen=True, slots=True)
class Timing:
    """How long tracks are, and how much of them is lost to their successors."""

    usual_s: float  #: Median length of a track of the library.
    lost_s: float = _LOST_S  #: Seconds by which each transition shortens the set.

    @classmethod
    def of(cls, library: DjLibrary) -> Self:
        """The timing of a library, before anything is simulated."""
        lengths = library["duration_s"]
        known = lengths[lengths > 0]
        return cls(float(np.median(known)) if len(known) else _USUAL_S)

    def seconds(self, duration_s: float) -> float:
        """The length of a track, the usual one where it is not known."""
        return duration_s if duration_s > 0 else self.usual_s

    def overlap_s(self, duration_s: float) -> float:
        """How long a crossfade from or to this track takes at most; a short track is not covered whole."""
        return min(self.lost_s, self.seconds(duration_s) / 3)


def timed_steps(
    library: DjLibrary, choices: Sequence[Choice], timing: Timing, describe: Describe | None, settings: DjSettings
) -> list[Step]:
    """The steps of a set, with simulated transitions where `describe` knows both tracks, plain overlaps elsewhere."""
    numbers = [library.current(choice.id) for choice in choices]
    lengths = [timing.seconds(current["duration_s"]) for current in numbers]
    known = describe([choice.id for choice in choices]) if describe and len(choices) > 1 else {}
    steps: list[Step] = []
    starts_s = in_at_s = 0.0
    transition: Transition | None = None
    for at, choice in enumerate(choices):
        energy = numbers[at].numbers[place("whole_energy")]
        upcoming = choices[at + 1] if at + 1 < len(choices) else None
        after: Transition | None = None
        out_at_s = end_s = lengths[at]
        next_in_s = 0.0
        if upcoming is not None:
            # The track must have come in whole before it goes out.
            earliest_s = in_at_s + (transition.length_s if transition else 0.0)
            after = _between(known.get(choice.id), known.get(upcoming.id), earliest_s, settings)
            overlap_s = min(timing.overlap_s(lengths[at]), timing.overlap_s(lengths[at + 1]))
            out_at_s = after.out_at_s if after else max(lengths[at] - overlap_s, earliest_s)
            end_s = out_at_s + (after.length_s if after else overlap_s)
            next_in_s = after.in_at_s if after else 0.0
        steps.append(
            Step(
                choice.id,
                starts_s,
                end_s - in_at_s,
                in_at_s,
                out_at_s,
                choice.target_energy,
                None if np.isnan(energy) else float(energy),
                choice.suggestion,
                transition,
            )
        )
        starts_s += out_at_s - in_at_s
        in_at_s, transition = next_in_s, after
    return steps


def measured_loss_s(library: DjLibrary, steps: Sequence[Step], timing: Timing) -> float:
    """Seconds by which each transition of a set shortened it, on average."""
    whole = sum(timing.seconds(library.current(step.id)["duration_s"]) for step in steps)
    lost = whole - (steps[-1].starts_s + steps[-1].plays_s)
    return max(lost / (len(steps) - 1), 0.0)


def _between(
    outgoing: AudioDescription | None, incoming: AudioDescription | None, earliest_s: float, settings: DjSettings
) -> Transition | None:
    """The simulated transition, if it begins late enough in the outgoing track."""
    if outgoing is None or incoming is None:
        return None
    transition = simulate(outgoing, incoming, settings)
    return transition if transition.out_at_s >= earliest_s else None
