"""Random music whose layers disagree: riffs in threes and fives, claves, off-beats only, sparse kicks, odd bars.

What `random_grooves` draws keeps to the meter. Recorded music crosses it all the time, and a tempo that was learned
without would take a riff for the beat. Templates say where strokes are likely; every piece draws its own from them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from audio.synthesis.harmony import chord
from audio.synthesis.performance import Feel, Performance
from audio.synthesis.piece import Style
from audio.synthesis.tones import Timbre
from benchmarks import random_grooves as grooves
from benchmarks.random_sounds import random_kit, random_timbre

Rng = np.random.Generator

#: How likely a letter of a template sounds, and the letter it sounds as.
_LIKELY = {"X": (1.0, "X"), "x": (0.92, "x"), "o": (0.8, "o"), "?": (0.4, "x"), ".": (0.0, "x")}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A family: templates of one or more bars for each layer, of which a piece takes one each.

    `comp` and `bass` are templates, too; `riffs` are lengths in steps of a figure that repeats against the meter.
    """

    slow: float
    fast: float
    steps: int
    drums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    comp: tuple[str, ...] = ()
    bass: tuple[str, ...] = ()
    riffs: tuple[int, ...] = ()
    beats: int = 4
    swing: float = 0.5


def _drawn(rng: Rng, template: str, loose: float) -> str:
    letters = []
    for place in template:
        likely, letter = _LIKELY[place]
        likely = max(likely - 0.5 * loose, loose * 0.5) if place != "X" else 1.0
        letters.append(letter if rng.random() < likely else ".")
    return "".join(letters)


def _one(rng: Rng, templates: tuple[str, ...], steps: int, loose: float) -> list[str]:
    """A drawn pattern for each bar of one of the templates, which may be of other steps if they fill no whole bars."""
    row = _drawn(rng, str(rng.choice(templates)), loose)
    length = steps if len(row) % steps == 0 else len(row)
    return [row[i : i + length] for i in range(0, len(row), length)]


def _player(recipe: Recipe) -> Callable[[Performance], None]:
    """A function that plays a piece of a family."""

    def play(p: Performance) -> None:
        rng, loose = p.rng, float(p.rng.uniform(0, 0.16))
        kit, first = random_kit(rng), int(rng.choice([0, 0, 0, 2, 4]))
        for name, templates in recipe.drums.items():
            if rng.random() < 0.08:
                continue
            gain, rows = rng.uniform(0.4, 1.0), _one(rng, templates, recipe.steps, loose)
            for bar in range(first, p.bars):
                p.groove(kit, bar, {name: rows[bar % len(rows)]}, gain)
        _harmony(p, recipe, loose)
        if recipe.riffs and rng.random() < 0.9:
            _riff(p, recipe)
        if rng.random() < 0.3:
            grooves.melody(p, p.beats_per_bar, max(1, recipe.steps // p.beats_per_bar))

    return play


def _harmony(p: Performance, recipe: Recipe, loose: float) -> None:
    rng, steps = p.rng, recipe.steps
    numerals, per_chord = grooves.progression(rng, p.mode), int(rng.choice([1, 1, 1, 2]))
    layers: list[tuple[Timbre, list[str], bool]] = []
    if recipe.bass and rng.random() < 0.9:
        layers.append((random_timbre(rng), _one(rng, recipe.bass, steps, loose), True))
    if recipe.comp and rng.random() < 0.9:
        layers.append((random_timbre(rng), _one(rng, recipe.comp, steps, loose), False))
    level, lowest, short = rng.uniform(0.3, 1.0), int(rng.integers(50, 62)), rng.uniform(0.3, 1.0)
    for timbre, rows, low in layers:
        for bar in range(p.bars):
            row = rows[bar % len(rows)]
            here = chord(numerals[bar // per_chord % len(numerals)], p.key_root)
            notes = [here.bass(31)] if low else here.voiced(lowest)
            for step, letter in enumerate(row):
                if letter == ".":
                    continue
                unit = p.beats_per_bar / len(row)
                beat, length = bar * p.beats_per_bar + step * unit, grooves.gap(row, step) * unit
                for note in notes:
                    p.note(timbre, note, beat, short * length, (0.9 if low else 0.5) * level / len(notes) ** 0.5)


def _riff(p: Performance, recipe: Recipe) -> None:
    """A figure of some steps that repeats whatever the meter says, and starts again every few bars or never."""
    rng, steps = p.rng, recipe.steps
    timbre, length = random_timbre(rng), int(rng.choice(recipe.riffs))
    figure = [True] + [bool(rng.random() < (0.9 if rng.random() < 0.6 else 0.3)) for _ in range(length - 1)]
    again = steps * int(rng.choice([1, 2, 4, 1000]))
    voices = chord(grooves.progression(rng, p.mode)[0], p.key_root).voiced(int(rng.integers(45, 64)))
    pitches = [voices[int(rng.integers(len(voices)))] + 12 * int(rng.integers(2)) for _ in range(length)]
    level = rng.uniform(0.2, 0.6)
    for step in range(p.bars * steps):
        place = step % again % length
        if figure[place]:
            velocity = level * (1.0 if place == 0 else 0.75)
            unit = p.beats_per_bar / steps
            p.note(timbre, pitches[place], step * unit, 0.9 * unit, velocity)


def _feel(recipe: Recipe) -> Callable[[Rng], Feel]:
    def feel(rng: Rng) -> Feel:
        swing = rng.uniform(0.58, 0.67) if recipe.swing > 0.5 else 0.5
        return Feel(swing=swing, timing_s=rng.uniform(0.001, 0.012))

    return feel


_EIGHTHS, _SIXTEENTHS, _OFF = "xxxxxxxx", "xoxoxoxoxoxoxoxo", ".x.x.x.x"
_PADS, _FLOOR, _TWO_FOUR = ("X...............",), ("X...X...X...X...",), ("....X.......X...",)
_CLAVES = ("x..x..x...x.x...", "x..x...x..x.x...", "..x.x...x..x..x.", "x..x..x...x..x..", "x..x..x.x..x..x.")

RECIPES = {
    "dembow": Recipe(80, 115, 16, {"kick": _FLOOR, "snare": ("...x..x....x..x.", "...x..x...x...x."),
                     "hat": (_OFF, _SIXTEENTHS)}, _PADS + _CLAVES, _CLAVES),
    "clave": Recipe(105, 170, 8, {"perc": _CLAVES, "kick": ("x..xx..x", "x.......", "...x...x"), "hat": (_EIGHTHS,)},
                    _CLAVES, ("x..x..x.", "x...x...", "...x..x.")),
    "clave in sixteenths": Recipe(78, 118, 16, {"perc": _CLAVES, "kick": (*_FLOOR, "x......xx......x",
                                  "x..x..x.x..x..x."),
                                  "snare": (*_TWO_FOUR, "........X......."), "hat": (_SIXTEENTHS, _OFF)}, _CLAVES,
                                  ("x..x..x.x..x..x.", "x.....x...x.....")),
    "off-beats": Recipe(100, 175, 8, {"kick": ("x...x...", "X.......", "x.x.x.x."), "snare": ("..x...x.", "....x..."),
                        "hat": (_EIGHTHS, _OFF, "x.x.x.x.")}, (_OFF,), ("x.x.x.x.", "x..xx.x.", "x...x...")),
    "off-beats alone": Recipe(80, 160, 8, {"hat": (_OFF,)}, (_OFF, ".xx..xx."), ("X...x...", "x.x.x.x.")),
    "hats twice as fast": Recipe(60, 102, 16, {"kick": ("x.....x.x...?...", "x.........x.....", "x......x..x....."),
                                 "snare": _TWO_FOUR, "hat": ("x" * 16, "xoo" * 8, _SIXTEENTHS)},
                                 (*_PADS, _EIGHTHS, "x..x..x...x....."), ("x.......x.......", "x..x..x.....x...")),
    "two-step": Recipe(150, 182, 16, {"kick": ("x.........x.....", "x.x.......x....."), "snare": _TWO_FOUR,
                       "hat": (_EIGHTHS, _SIXTEENTHS)}, _PADS, (*_PADS, "x.....x.........", "x.....x...x.....")),
    "breaks": Recipe(96, 140, 16, {"kick": ("x.x.......xx....", "x..x......x..x.."), "snare": ("....x..o.o..x..o",
                     "....x....?..x..?"),
                     "hat": (_EIGHTHS, _SIXTEENTHS)}, _PADS + _CLAVES, ("x..x..x...x.....", "x.x...x.........")),
    "riff against the beat": Recipe(72, 138, 16, {"kick": (*_FLOOR, "x.......x.......", "x.....x.x......."),
                                    "snare": _TWO_FOUR, "hat": (_EIGHTHS, _SIXTEENTHS, "xxxx")}, _PADS,
                                    (*_PADS, *_FLOOR), (3, 5, 6, 7, 12)),
    "riff in eighths": Recipe(105, 190, 8, {"kick": ("x...x...", "x..xx..."), "snare": ("..X...X.",),
                              "hat": (_EIGHTHS, "x.x.x.x.")}, ("X.......",), ("x.x.x.x.", _EIGHTHS), (3, 5, 6, 7)),
    "arpeggios": Recipe(62, 138, 16, {"hat": ("x...............", "x...x...x...x...")}, _PADS,
                        (*_PADS, *_FLOOR, "x.......x......."), (3, 5, 6, 8)),
    "floor and arpeggio": Recipe(84, 145, 16, {"kick": _FLOOR, "snare": _TWO_FOUR}, _PADS,
                                 (_EIGHTHS, "..x...x...x...x.", ".xxx.xxx.xxx.xxx"), (3, 5, 6, 16)),
    "echoes": Recipe(92, 138, 16, {"kick": (*_FLOOR, "x.......x......."), "snare": _TWO_FOUR, "hat": (_EIGHTHS,)},
                     ("x..o..x..o..x..o", "x..oxo..x..oxo.."), (_EIGHTHS, *_FLOOR)),
    "rolling bass": Recipe(120, 150, 16, {"kick": _FLOOR, "hat": ("..x...x...x...x.", _SIXTEENTHS)}, _PADS + _CLAVES,
                           ("..x...x...x...x.", ".xxx.xxx.xxx.xxx", ".x.x.x.x.x.x.x.x")),
    "gallop": Recipe(95, 170, 16, {"kick": ("x.xxx.xxx.xxx.xx", "x.x.x.x.x.x.x.x."), "snare": _TWO_FOUR,
                     "hat": ("x...x...x...x...", _EIGHTHS)}, ("x.xxx.xxx.xxx.xx", *_PADS), ("x.xxx.xxx.xxx.xx",)),
    "threes over four": Recipe(118, 148, 16, {"kick": ("x...x...x..x..x.", "x..x..x.x..x..x."), "snare": _TWO_FOUR,
                               "hat": (_SIXTEENTHS, "..x...x...x...x.")}, ("x..x..x..x..x...", *_PADS),
                               ("x..x..x..x..x...",)),
    "no kick on the beat": Recipe(98, 122, 16, {"perc": _CLAVES, "hat": (_SIXTEENTHS,), "snare": (*_TWO_FOUR,
                                  "........X.......")},
                                  _PADS, ("...x..x....x..x.", "..x..x....x..x..", "...x......x...x.")),
    "half-time with rolls": Recipe(122, 164, 16, {"kick": ("x.....?...x.....", "x.........?..x.."),
                                   "snare": ("........X.......",),
                                   "hat": ("x.x.x.x.x.x.xxxx", "x.x.x.xxx.x.x.x.", _SIXTEENTHS, _EIGHTHS)},
                                   _PADS, (*_PADS, "x.....x...x.....")),
    "sparse": Recipe(60, 128, 8, {"kick": ("X.......",), "perc": ("....x...", "..x...x.", "x.......")},
                     ("x.x.x.x.", "X.......", "x...x..."), ("X.......",)),
    "oom-pah": Recipe(90, 200, 8, {}, ("..x...x.", ".x.x.x.x"), ("x...x...",)),
    "slow": Recipe(48, 70, 8, {"kick": ("x...x...", "x..xx..."), "snare": ("..X...X.",), "hat": (_EIGHTHS,
                   _SIXTEENTHS, "xxx" * 4)},
                   ("X.......", "x.x.x.x.", _EIGHTHS), ("x...x...", "x..x....")),
    "fast": Recipe(165, 222, 8, {"kick": ("x.x.x.x.", "x...x..."), "snare": ("..X...X.",), "hat": ("x.x.x.x.", _OFF,
                   _EIGHTHS)},
                   ("X.......", "x..x..x."), ("x.x.x.x.", _EIGHTHS)),
    "walking": Recipe(96, 215, 8, {"hat": ("x.xxx.xx", "x.x.x.x.", "..x...x."), "snare": ("..o...o.", ".......?")},
                      ("x..x....", "...x...x", "..x...x."), ("x.x.x.x.",), swing=0.62),
    "twelve": Recipe(78, 140, 12, {"perc": ("x.x.xx.x.x.x", "x.xx.x.x.xx."), "kick": ("x..x..x..x..", "x.....x....."),
                     "hat": ("xxxxxxxxxxxx", "x..x..x..x..")},
                     ("x...........", "x.x.x.x.x.x."), ("x..x..x..x..", "x.....x.....")),
    "hemiola": Recipe(88, 190, 6, {"kick": ("x.....",), "snare": ("..x.x.", "..o.o."), "hat": ("xxxxxx", "x.x.x.")},
                      ("x..x..", "..x.x.", "x...x...x..."), ("x.....", "x..x..", "x.x.x."), beats=3),
    "five": Recipe(92, 178, 10, {"kick": ("x.....x...", "x..x..x..."), "snare": ("....x...x.", "..x.....x."),
                   "hat": ("xxxxxxxxxx", "x.x.x.x.x.")},
                   ("x.....x...", "x..x..x.x."), ("x.....x...", "x.x.x.x.x."), beats=5),
    "seven": Recipe(98, 178, 14, {"kick": ("x.....x...x...", "x...x...x....."), "snare": ("..x.x...x...x.",
                    "..x...x...x.x."),
                    "hat": ("x.x.x.x.x.x.x.", "xxxxxxxxxxxxxx")}, ("x.....x...x...",),
                    ("x.....x...x...", "x.x.x.x.x.x.x."), beats=7),
    "slow pop": Recipe(66, 108, 8, {"kick": ("x...x...", "x..xx...", "x...xx.."), "snare": ("..X...X.",),
                       "hat": (_EIGHTHS,)}, ("X.......", _EIGHTHS, "x.x.x.x."), ("x...x...", "x..xx...", _EIGHTHS)),
}  # fmt: skip

STYLES = {
    f"crossing-{name}": Style(
        f"crossing-{name}", recipe.slow, recipe.fast, _player(recipe), "the beat of the meter", recipe.beats,
        feel=_feel(recipe), damage=grooves.damaged,
    )
    for name, recipe in RECIPES.items()
}  # fmt: skip
