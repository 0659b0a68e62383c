"""An intro or an outro on its beats, to be mixed at a steady pace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio import PROFILE_RATE_HZ, SegmentDescription

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: Steps of a beat at which envelopes are read.
STEPS = 8
BEATS_PER_BAR = 4
#: Fewer beats than these are no grid to mix on.
FEWEST_BEATS = 9
#: The pace where there is no beat.
_PLAIN_BEAT_S = 0.5
#: The pace of tracked beats is believed where it is this close to the tempo of the whole track.
_LARGEST_DRIFT = 0.03
_RANGE_DB = 60.0


@dataclass(frozen=True, slots=True)
class BeatGrid:
    """The beats of a segment, its envelopes, and the steady pace at which a player would run it."""

    segment: SegmentDescription
    beats_s: Doubles  #: [b], seconds from the start of the recording
    period_s: float  #: Seconds of a beat, on average.
    tracked: bool  #: Whether there are beats, or only a pace of half a second.
    first_beat: int  #: Place of the first of these beats among all that were tracked.

    @property
    def n_beats(self) -> int:
        """Whole beats from the first one to the end of the segment."""
        if not len(self.beats_s):
            return 0
        end_s = self.segment.start_s + self.segment.seconds
        return int((end_s - self.beats_s[0]) / self.period_s + 1e-6)

    def read(self, starts: NDArray[np.intp], n_beats: int) -> tuple[Floats, Floats, Floats]:
        """Low end, level (powers) and onsets (0..1) from these beats on, each float32 [w, n_beats * STEPS].

        The pace is steady, as a player's is: beats that drift away from it do so here too. Outside of the segment there
        is silence.
        """
        steps = np.arange(n_beats * STEPS) * (self.period_s / STEPS)
        frames = (self.beats_s[starts][:, None] + steps - self.segment.start_s) * PROFILE_RATE_HZ
        profile = self.segment.profile
        levels = [_power(_read(envelope, frames)) for envelope in (profile.low_end, profile.level)]
        return levels[0], levels[1], _read(profile.onsets, frames) / np.float32(255)

    def downbeat(self) -> int:
        """The first beat (0..3) that begins a bar of four: those that carry most onsets and low end on average.

        Meters other than four are mixed in fours too, as in most dance music.
        """
        if not self.tracked:
            return 0
        frames = (self.beats_s - self.segment.start_s) * PROFILE_RATE_HZ
        around = [_read(self.segment.profile.onsets, frames + shift) for shift in (-1, 0, 1)]
        low_end = _power(_read(self.segment.profile.low_end, frames + 1))
        accents = np.max(around, axis=0) / 255 + low_end / max(float(low_end.max()), 1e-6)
        return int(np.argmax([accents[phase::BEATS_PER_BAR].mean() for phase in range(BEATS_PER_BAR)]))


def grid_of(
    segment: SegmentDescription, beats_s: tuple[float, ...], bpm: float | None, relation: str | None
) -> BeatGrid:
    """The grid of a segment whose track has these beats and this tempo.

    `relation` tells what the tempo is to that of the other track (`filters.RELATIONS`): at double tempo only every
    second beat counts, at half tempo one is put between two. None means that there is no common beat; then, or where
    too few beats were tracked, the grid has a plain pace of two steps a second, and is not `tracked`.
    """
    end_s = segment.start_s + segment.seconds
    if relation is not None and bpm:
        tracked = np.asarray(beats_s, np.float64)
        inside = np.flatnonzero((tracked >= segment.start_s) & (tracked <= end_s))
        beats = _related(tracked[inside], relation)
        if len(beats) >= FEWEST_BEATS and (np.diff(beats) > 0).all():
            period_s = {"same": 60.0, "double": 120.0, "half": 30.0}[relation] / bpm
            return BeatGrid(segment, beats, _pace(beats, period_s), tracked=True, first_beat=int(inside[0]))
    plain = np.arange(segment.start_s, end_s - _PLAIN_BEAT_S / 2, _PLAIN_BEAT_S)
    return BeatGrid(segment, plain, _PLAIN_BEAT_S, tracked=False, first_beat=0)


def _related(beats: Doubles, relation: str) -> Doubles:
    """The beats at the other track's time."""
    if relation == "double":
        return beats[::2]
    if relation == "half" and len(beats):
        return np.interp(np.arange(2 * len(beats) - 1) / 2, np.arange(len(beats)), beats)
    return beats


def _pace(beats: Doubles, period_s: float) -> float:
    """Seconds of a beat by a line through the beats, or `period_s` where that is another pace altogether."""
    slope = float(np.polyfit(np.arange(len(beats)), beats, 1)[0])
    return slope if abs(slope / period_s - 1) <= _LARGEST_DRIFT else period_s


def _read(envelope: bytes, frames: Doubles) -> Floats:
    values = np.frombuffer(envelope, np.uint8)
    if not len(values):
        return np.zeros(frames.shape, np.float32)
    # Linear interpolation, by hand because np.interp costs several times as much.
    low = np.floor(frames).astype(np.intp)
    share = (frames - low).astype(np.float32)
    padded = np.zeros(len(values) + 3, np.float32)
    padded[1:-2] = values
    at = np.clip(low + 1, 0, len(values) + 1)
    read: Floats = padded[at] * (1 - share) + padded[np.minimum(at + 1, len(values) + 2)] * share
    return read


def _power(levels: Floats) -> Floats:
    """Power relative to full scale of levels in bytes."""
    power: Floats = np.power(np.float32(10), (levels / np.float32(255) - 1) * np.float32(_RANGE_DB / 10))
    return power
