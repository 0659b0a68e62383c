"""Styles, pieces of them, and suites of pieces."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.synthesis.performance import Clock, Feel, Performance, beat_times
from core.audio import KeyName, Mode

Floats = NDArray[np.float32]

#: Length of a piece, in seconds.
SECONDS = 40.0
_DETUNED = 0.3
_MOST_CENTS = 40.0


def default_feel(rng: np.random.Generator) -> Feel:
    """Straight, and played by good players."""
    return Feel()


def unharmed(y: Floats, rng: np.random.Generator) -> Floats:
    """The recording as it is."""
    return y


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of music.

    `play` writes a piece into a performance; `feel` and `damage` draw how exactly it is played, and what becomes of
    the recording. `tactus` says which pulse is the beat, where musicians could mean another one. All are functions of
    modules, so that specs travel to other processes.
    """

    name: str
    slowest_bpm: float
    fastest_bpm: float
    play: Callable[[Performance], None]
    tactus: str
    beats_per_bar: int = 4
    minor: float = 0.5  #: Share of pieces in minor, where nobody chooses
    feel: Callable[[np.random.Generator], Feel] = default_feel
    drift: float = 0.0  #: Standard deviation of the tempo, as a share
    damage: Callable[[Floats, np.random.Generator], Floats] = unharmed


@dataclass(frozen=True, slots=True)
class Piece:
    """A rendered piece and what is true of it.

    `y` is mono float32 [n] at 22,050 Hz; `bpm` the mean tempo of the beats `beats_s`, which are the pulse that
    `Style.tactus` states.
    """

    y: Floats
    bpm: float
    key: KeyName
    beats_s: tuple[float, ...]
    style: str


@dataclass(frozen=True, slots=True)
class PieceSpec:
    """All that determines a piece; the same spec renders the same samples."""

    style: Style
    bpm: float
    key: KeyName
    seed: int
    seconds: float = SECONDS

    def render(self) -> Piece:
        """Play it: about 0.2 s of one core."""
        style, rng = self.style, np.random.default_rng(self.seed)
        feel = style.feel(rng)
        times = beat_times(self.bpm, self.seconds, style.beats_per_bar, style.drift, rng)
        performance = Performance(
            Clock(times, feel.swing, feel.swing_unit),
            self.seconds,
            self.key.root,
            self.key.mode,
            style.beats_per_bar,
            feel,
            rng,
            tuning_cents=rng.uniform(-_MOST_CENTS, _MOST_CENTS) if rng.random() < _DETUNED else 0.0,
        )
        style.play(performance)
        y = style.damage(performance.mixed(room=rng.uniform(0, 1)), rng)
        inside = times[(times >= 0) & (times < self.seconds)]
        return Piece(y, self.bpm, self.key, tuple(inside.tolist()), style.name)


def suite(styles: Mapping[str, Style], seed: int, n_per_style: int) -> Iterator[PieceSpec]:
    """Specs of `n_per_style` pieces of every style: tempi spread over the style's range, keys over all 24."""
    for index, style in enumerate(styles.values()):
        rng = np.random.default_rng([seed, index])
        spread = (rng.permutation(n_per_style) + rng.random(n_per_style)) / max(n_per_style, 1)
        roots = np.resize(rng.permutation(12), n_per_style)
        minor = rng.permutation(n_per_style) < round(style.minor * n_per_style)
        for i in range(n_per_style):
            bpm = round(style.slowest_bpm + spread[i] * (style.fastest_bpm - style.slowest_bpm), 2)
            key = KeyName(int(roots[i]), Mode.MINOR if minor[i] else Mode.MAJOR)
            yield PieceSpec(style, float(bpm), key, int(rng.integers(2**31)))
