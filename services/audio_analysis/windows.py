"""Which windows of a recording are embedded, and which of them stand for which segment."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.audio import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audio.recording import Recording

    Floats = NDArray[np.float32]

#: Windows that stand for a whole recording, at most; more of them hardly move the mean, and cost time.
FULL_WINDOWS = 8
# A rest shorter than this share of a window is not embedded by itself: the last window begins earlier instead.
_WORTH_A_WINDOW = 0.5


@dataclass(frozen=True, slots=True)
class Windows:
    """Samples of windows, and for each segment the indexes of its windows. A window may serve several segments."""

    samples: list["Floats"]
    members: dict[Segment, tuple[int, ...]]


def choose_windows(
    recording: "Recording", rate_hz: int, window_s: float, intro_seconds: float, outro_seconds: float
) -> Windows:
    """Cut a recording: windows side by side for intro and outro; for the whole these and others between them.

    Intro and outro overlap in a recording that is shorter than both together; silence around it is left out.
    """
    head = recording.head_at(rate_hz)
    tail = recording.tail_at(rate_hz)
    size = round(window_s * rate_hz)
    intro_start_s = recording.intro_start_s(intro_seconds)
    outro_start_s = recording.outro_start_s(outro_seconds)
    intro = _side_by_side(round(intro_start_s * rate_hz), round(intro_seconds * rate_hz), len(head), size)
    in_tail = max(0, round((outro_start_s - recording.tail_start_s) * rate_hz))
    outro = _side_by_side(in_tail, round(outro_seconds * rate_hz), len(tail), size)
    room = max(1, FULL_WINDOWS - len(intro) - len(outro))
    between = _spread(intro[-1][1], min(len(head), round(outro_start_s * rate_hz)), size, room)
    samples = [head[start:end] for start, end in intro + between] + [tail[start:end] for start, end in outro]
    first_outro = len(intro) + len(between)
    return Windows(
        samples,
        {
            Segment.INTRO: tuple(range(len(intro))),
            Segment.OUTRO: tuple(range(first_outro, len(samples))),
            Segment.FULL: tuple(range(len(samples))),
        },
    )


def segment_vectors(members: dict[Segment, tuple[int, ...]], vectors: "Floats") -> dict[Segment, "Floats"]:
    """The normalized mean of each segment's windows; `vectors` float32 [windows, d]."""
    return {segment: _normalized(vectors[list(indexes)].mean(axis=0)) for segment, indexes in members.items()}


def _side_by_side(start: int, length: int, available: int, size: int) -> list[tuple[int, int]]:
    """Windows that fill a range from its start; the last one reaches back over the one before it."""
    end = min(start + length, available)
    if end - start <= size:
        return [(start, end)]
    whole, rest = divmod(end - start, size)
    windows = [(start + index * size, start + (index + 1) * size) for index in range(whole)]
    if rest >= _WORTH_A_WINDOW * size:
        windows.append((end - size, end))
    return windows


def _spread(start: int, end: int, size: int, most: int) -> list[tuple[int, int]]:
    """At most `most` windows at even distances between two positions; none if not one fits."""
    count = min(most, (end - start) // size)
    if count <= 0:
        return []
    gap = (end - start - count * size) / (count + 1)
    firsts = [round(start + gap * (index + 1) + size * index) for index in range(count)]
    return [(first, first + size) for first in firsts]


def _normalized(vector: "Floats") -> "Floats":
    norm = np.linalg.norm(vector)
    unit: Floats = (vector / norm if norm > 0 else vector).astype(np.float32)
    return unit
