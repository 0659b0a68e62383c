"""What analyses hear of a recording: its beginning and its end, in mono, at any sample rate."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.audio import SEGMENT_SECONDS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: Levels below are silence, in dB relative to full scale.
SILENCE_DBFS = -70.0
# What is this much softer than the loudest moment is no music that a mix could begin or end with.
_AUDIBLE_DB = 50.0
_LEVEL_S = 0.05


@dataclass(frozen=True)
class Recording:
    """A decoded recording. Samples are mono, float32, in -1..1 (a little more where a codec overshoots).

    The intro begins at the first audible moment of the head, and the outro ends at the last audible moment of the tail,
    as long as both keep their lengths.

    Attributes
    ----------
    duration_s
        Length of the whole recording.
    rate_hz
        Sample rate of `head` and `rest`.
    head
        The first `HEAD_SECONDS`, or all there is.
    rest
        The last samples of what follows the head; empty where nothing does.
    tail_seconds
        Length of the tail: of the rest or, where that is shorter, of the end of the head with the rest.
    loudness_steps
        K-weighted power of each 100 ms of the head over all channels (`audio.loudness`).
    """

    duration_s: float
    rate_hz: int
    head: Floats
    rest: Floats
    tail_seconds: float
    loudness_steps: Doubles
    _resampled: dict[tuple[str, int], Floats] = field(default_factory=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        """Without what can be made again."""
        names = ("duration_s", "rate_hz", "head", "rest", "tail_seconds", "loudness_steps")
        return {name: getattr(self, name) for name in names} | {"_resampled": {}}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)

    @cached_property
    def tail(self) -> Floats:
        """The last `tail_seconds`, or all there is."""
        wanted = round(self.tail_seconds * self.rate_hz)
        if len(self.rest) >= wanted:
            return self.rest
        from_head = self.head[max(0, len(self.head) + len(self.rest) - wanted) :]
        return np.concatenate([from_head, self.rest]) if len(self.rest) else from_head

    @property
    def tail_start_s(self) -> float:
        """Where the tail begins."""
        return max(0.0, self.duration_s - len(self.tail) / self.rate_hz)

    def head_at(self, rate_hz: int) -> Floats:
        """The head at another sample rate; kept for the next time."""
        return self._at("head", self.head, rate_hz)

    def tail_at(self, rate_hz: int) -> Floats:
        """The tail at another sample rate; kept for the next time."""
        if not len(self.rest):
            # It lies within the head.
            head = self.head_at(rate_hz)
            return head[len(head) - round(len(self.tail) * rate_hz / self.rate_hz) :]
        return self._at("tail", self.tail, rate_hz)

    def intro_start_s(self, seconds: float = SEGMENT_SECONDS) -> float:
        """Where the intro begins, in seconds from the start of the recording."""
        first = _audible(self.head, self.rate_hz)[0] if len(self.head) else 0.0
        return max(0.0, min(first, len(self.head) / self.rate_hz - seconds))

    def outro_start_s(self, seconds: float = SEGMENT_SECONDS) -> float:
        """Where the outro begins, in seconds from the start of the recording."""
        length_s = len(self.tail) / self.rate_hz
        last = max(_audible(self.tail, self.rate_hz)[1], min(seconds, length_s))
        return self.tail_start_s + max(0.0, last - seconds)

    def _at(self, name: str, y: Floats, rate_hz: int) -> Floats:
        import soxr

        if rate_hz == self.rate_hz:
            return y
        key = (name, rate_hz)
        if key not in self._resampled:
            self._resampled[key] = soxr.resample(y, self.rate_hz, rate_hz, quality="HQ")
        return self._resampled[key]


def _audible(y: Floats, rate_hz: int) -> tuple[float, float]:
    """First and last audible moment in seconds; the whole where nothing is."""
    step = max(1, round(_LEVEL_S * rate_hz))
    whole = len(y) - len(y) % step
    length_s = len(y) / rate_hz
    frames = y[:whole].reshape(-1, step)
    power = np.einsum("ij,ij->i", frames, frames) / step
    if not len(power):
        return 0.0, length_s
    floor = max(10 ** (SILENCE_DBFS / 10), float(power.max()) * 10 ** (-_AUDIBLE_DB / 10))
    audible = np.flatnonzero(power > floor)
    if not len(audible):
        return 0.0, length_s
    last = length_s if audible[-1] == len(power) - 1 else (audible[-1] + 1) * step / rate_hz
    return float(audible[0]) * step / rate_hz, float(last)
