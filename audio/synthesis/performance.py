"""Playing: a clock that turns beats into seconds, and a performance that puts sounds where the clock says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.synthesis.drum_sounds import Kit
from audio.synthesis.tones import RATE_HZ, Timbre, tone
from core.audio import Mode

Floats = NDArray[np.float32]

#: Loudness of the letters of a pattern: accent, stroke, ghost.
_STROKES = {"X": 1.0, "x": 0.75, "o": 0.3}
_VARIANTS = 3


class Clock:
    """Turns beats, counted from 0, into seconds.

    Parameters
    ----------
    times_s
        When beats 0, 1, 2, ... fall.
    swing
        Where the middle of a swung unit falls, as a share of it: .5 is straight, .667 a triplet's shuffle.
    unit
        Length of the swung unit in beats: 1 swings eighth notes, .5 sixteenth notes.
    """

    def __init__(self, times_s: NDArray[np.float64], swing: float = 0.5, unit: float = 1.0) -> None:
        self.times_s = times_s
        self._beats = np.arange(len(times_s), dtype=np.float64)
        self._swing, self._unit = swing, unit

    def __call__(self, beat: float) -> float:
        whole, part = divmod(beat / self._unit, 1.0)
        part = part * 2 * self._swing if part < 0.5 else self._swing + (part - 0.5) * 2 * (1 - self._swing)
        return float(np.interp((whole + part) * self._unit, self._beats, self.times_s))


def beat_times(
    bpm: float, seconds: float, beats_per_bar: int, drift: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Times of beats from somewhere in a bar before 0 s to a bar after `seconds`, their mean tempo within being `bpm`.

    `drift` is the standard deviation of the tempo over the piece, as a share, in slow waves of players' own making.
    """
    n = math.ceil(seconds * bpm / 60 * (1 + 4 * drift)) + 3 * beats_per_bar
    interval = 60 / bpm
    intervals = np.full(n - 1, interval)
    if drift:
        phase = np.arange(n - 1) * interval / seconds * 2 * np.pi
        waves = sum(np.sin(phase * rate + rng.uniform(0, 2 * np.pi)) for rate in rng.uniform(0.4, 3.0, 3))
        intervals *= 1 + drift * (waves - np.mean(waves)) / (np.std(waves) + 1e-9)
    times: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(intervals)])
    times *= interval / np.diff(times[times < seconds]).mean()
    return np.asarray(times - rng.uniform(0, beats_per_bar) * interval)


@dataclass(frozen=True, slots=True)
class Feel:
    """How exactly a style is played."""

    swing: float = 0.5
    swing_unit: float = 1.0
    timing_s: float = 0.004  #: Standard deviation of when a stroke falls
    dynamics: float = 0.08  #: Standard deviation of how loud it is, as a share


class Performance:
    """One piece while it is played: every method takes beats from the start of the first bar.

    Parameters
    ----------
    clock
        Turns beats into seconds.
    seconds
        Length of the recording; what falls outside is cut off.
    key_root, mode
        The key.
    beats_per_bar
        Beats, as a listener taps them, in a bar.
    tuning_cents
        By how much everything is out of concert pitch.
    """

    def __init__(
        self,
        clock: Clock,
        seconds: float,
        key_root: int,
        mode: Mode,
        beats_per_bar: int,
        feel: Feel,
        rng: np.random.Generator,
        tuning_cents: float = 0.0,
    ) -> None:
        self.key_root, self.mode, self.beats_per_bar, self.rng = key_root, mode, beats_per_bar, rng
        self.bars = int(np.searchsorted(clock.times_s, seconds)) // beats_per_bar + 1
        self._clock, self._feel, self._cents = clock, feel, tuning_cents
        n = int(seconds * RATE_HZ)
        self._drums, self._music = np.zeros(n, np.float32), np.zeros(n, np.float32)
        self._hits: dict[tuple[str, int], Floats] = {}
        self._tones: dict[tuple[Timbre, int, int], Floats] = {}
        self._pumps: list[float] = []

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def groove(self, kit: Kit, bar: int, patterns: Mapping[str, str], gain: float = 1.0) -> None:
        """Play one bar of patterns, letters `X`, `x`, `o` and `.`, of as many equal steps as they are long."""
        for name, pattern in patterns.items():
            step = self.beats_per_bar / len(pattern)
            for i, letter in enumerate(pattern):
                if letter != ".":
                    self.hit(kit, name, bar * self.beats_per_bar + i * step, gain * _STROKES[letter])

    def hit(self, kit: Kit, name: str, beat: float, velocity: float = 0.8) -> None:
        """Strike a drum once."""
        key = (name, int(self.rng.integers(_VARIANTS)))
        if key not in self._hits:
            self._hits[key] = kit[name](self.rng)
        self._put(self._drums, self._hits[key], beat, velocity)

    def note(self, timbre: Timbre, midi: int, beat: float, beats: float, velocity: float = 0.8) -> None:
        """Play a note of so many beats."""
        seconds = self._clock(beat + beats) - self._clock(beat)
        # Lengths in steps of a twelfth of an octave let notes share their sound.
        length = max(round(12 * math.log2(max(seconds, 0.04) / 0.04)), 0)
        key = (timbre, midi, length)
        if key not in self._tones:
            self._tones[key] = tone(timbre, midi + self._cents / 100, 0.04 * 2 ** (length / 12), self.rng)
        self._put(self._music, self._tones[key], beat, velocity)

    def pump(self, beat: float) -> None:
        """Duck all pitched instruments at a beat, as a compressor that listens to the kick does."""
        self._pumps.append(self._clock(beat))

    def mixed(self, room: float) -> Floats:
        """The recording, float32 [n], with a `room` (0..1) around it, below full scale."""
        if self._pumps:
            self._duck()
        dry = self._drums * self._drum_gain() + self._music
        y = dry.copy()
        for _ in range(14 if room else 0):
            delay = int(self.rng.uniform(0.008, 0.16) * RATE_HZ)
            y[delay:] += np.float32(room * 0.35 * math.exp(-delay / RATE_HZ / 0.06)) * dry[:-delay]
        y = np.tanh(y / (np.float32(4.5) * (y.std() + np.float32(1e-9))))
        return np.asarray(y * np.float32(0.9), dtype=np.float32)

    def _drum_gain(self) -> np.float32:
        """The mixing engineer's balance: drums 8 dB below to as loud as everything else, quiet kits left quiet."""
        drums, music = (float(np.sqrt(np.mean(np.square(bus)))) for bus in (self._drums, self._music))
        wanted = self.rng.uniform(0.4, 1.0)
        return np.float32(min(wanted * music / drums, 1.25) if drums and music else 1.0)

    def _duck(self) -> None:
        t = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
        dip = (1 - 0.75 * np.exp(-t / 0.1)).astype(np.float32)
        for time_s in self._pumps:
            start = int(time_s * RATE_HZ)
            if 0 <= start < len(self._music):
                self._music[start : start + len(dip)] *= dip[: len(self._music) - start]

    def _put(self, bus: Floats, sound: Floats, beat: float, velocity: float) -> None:
        late, loud = self.rng.standard_normal(2)
        start = int((self._clock(beat) + self._feel.timing_s * late) * RATE_HZ)
        sound = sound[max(-start, 0) :]
        start = max(start, 0)
        n = min(len(sound), len(bus) - start)
        if n > 0:
            bus[start : start + n] += np.float32(max(velocity * (1 + self._feel.dynamics * loud), 0.02)) * sound[:n]
