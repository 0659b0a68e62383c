"""Random music for fitting: grammars of rhythm instead of songs, so that no fitted constant learns one pattern.

Each family draws the drums, the bass, the chords and the instruments of every piece anew. What they share is the meter:
where in a bar a stroke is likely.
"""

from collections.abc import Callable

import numpy as np

from audio.synthesis import damage
from audio.synthesis.harmony import chord
from audio.synthesis.performance import Feel, Performance
from audio.synthesis.piece import Floats, Style
from benchmarks.random_sounds import random_kit, random_timbre
from core.audio import Mode

Rng = np.random.Generator

_MAJOR = {
    "I": ("IV", "V", "vi", "ii", "iii", "bVII"),
    "ii": ("V", "IV", "I"),
    "iii": ("vi", "IV"),
    "IV": ("I", "V", "ii", "vi"),
    "V": ("I", "vi", "IV"),
    "vi": ("IV", "ii", "V", "iii"),
    "bVII": ("IV", "I"),
}
_MINOR = {
    "i": ("iv", "bVI", "bVII", "V", "bIII", "v"),
    "iv": ("V", "i", "bVII"),
    "v": ("i", "bVI", "iv"),
    "V": ("i", "bVI"),
    "bVI": ("bVII", "iv", "bIII", "V"),
    "bVII": ("i", "bIII", "bVI"),
    "bIII": ("bVII", "bVI", "iv"),
}
_SCALES = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10)}


def progression(rng: Rng, mode: Mode) -> list[str]:
    moves = _MAJOR if mode is Mode.MAJOR else _MINOR
    home = next(iter(moves))
    chords = [home if rng.random() < 0.75 else str(rng.choice(list(moves)))]
    for _ in range(int(rng.choice([2, 4, 4, 4, 8])) - 1):
        options = moves[chords[-1]]
        chords.append(str(rng.choice(options)) if rng.random() < 0.85 else home)
    if home not in chords:
        chords[-1] = home
    return [c + "7" if c in ("V", "ii") and rng.random() < 0.3 else c for c in chords]


def _drawn(rng: Rng, probabilities: list[float]) -> str:
    """A pattern with a stroke at each step by its probability."""
    return "".join(("X" if rng.random() < 0.5 else "x") if rng.random() < p else "." for p in probabilities)


def _meter_weights(rng: Rng, beats: int, per_beat: int) -> list[float]:
    """Probabilities that fall with the depth of a step in the meter."""
    beat, half, rest = rng.uniform(0.4, 1.0), rng.uniform(0.1, 0.9), rng.uniform(0.0, 0.6)
    weights = []
    for step in range(beats * per_beat):
        if step == 0:
            weights.append(1.0)
        elif step % per_beat == 0:
            weights.append(beat)
        else:
            weights.append(half if per_beat % 2 == 0 and step % (per_beat // 2) == 0 else rest)
    return weights


def _ostinato(rng: Rng, beats: int, per_beat: int) -> str:
    """Hats: an even pulse at some level, sometimes off the beat, with accents and gaps."""
    kind = rng.random()
    strokes = ["."] * (beats * per_beat)
    if kind < 0.15:
        every, offset = per_beat, per_beat // 2 if per_beat % 2 == 0 else per_beat - 1
    elif kind < 0.3:
        every, offset = per_beat, 0
    elif kind < 0.65 and per_beat % 2 == 0:
        every, offset = per_beat // 2, 0
    else:
        every, offset = 1, 0
    quiet = "o" if rng.random() < 0.3 else "x"
    for step in range(offset, len(strokes), every):
        strokes[step] = "X" if step % per_beat == 0 else quiet
    return "".join("." if rng.random() < 0.04 else s for s in strokes)


def _at(steps: int, *places: float) -> list[float]:
    """Certain strokes at these shares of a bar."""
    row = [0.0] * steps
    for place in places:
        row[round(place * steps) % steps] = 1.0
    return row


def _drums(rng: Rng, family: str, beats: int, per_beat: int) -> dict[str, str]:
    """Patterns of one bar."""
    steps = beats * per_beat
    extra = rng.uniform(0, 0.25)
    kick, snare = [0.0] * steps, [0.0] * steps
    if family == "floor":
        kick = _at(steps, *(b / beats for b in range(beats)))
        snare = _at(steps, 0.25, 0.75) if rng.random() < 0.6 else snare
    elif family in ("backbeat", "shuffle", "sixteenths"):
        kick, snare = _at(steps, 0, 0.5), _at(steps, 0.25, 0.75)
    elif family == "halftime":
        kick, snare = _at(steps, 0), _at(steps, 0.5)
    elif family == "broken":
        kick, snare, extra = _at(steps, 0), _at(steps, 0.25, 0.75), rng.uniform(0.2, 0.4)
    elif family == "polka":
        kick = _at(steps, *(b / beats for b in range(beats)))
        snare = _at(steps, *((b + 0.5) / beats for b in range(beats)))
    elif family == "onedrop":
        kick, snare = _at(steps, 0.5), _at(steps, 0.5)
    elif family == "march":
        kick = _at(steps, *(b / beats for b in range(0, beats, 2)))
        snare = _meter_weights(rng, beats, per_beat)
    elif family == "ride":
        kick, snare, extra = [0.15] * steps, [0.12] * steps, 0.0
        snare = [max(a, b) for a, b in zip(snare, _at(steps, 0.25, 0.75) if rng.random() < 0.3 else snare, strict=True)]
    elif family in ("triple", "compound"):
        kick = _at(steps, 0) if family == "triple" or rng.random() < 0.5 else _at(steps, 0, 0.5)
        snare = _at(steps, *(b / beats for b in range(1, beats))) if family == "triple" else _at(steps, 0.5)
        if family == "compound" and beats == 4:
            kick, snare = _at(steps, 0, 0.5), _at(steps, 0.25, 0.75)
    else:
        kick, snare = _meter_weights(rng, beats, per_beat), [0.6 * w for w in _meter_weights(rng, beats, per_beat)]
    kick = [max(p, extra * rng.random()) for p in kick]
    snare = [max(p, 0.3 * extra * rng.random()) for p in snare]
    hat = _ostinato(rng, beats, per_beat)
    if family == "ride":
        skips = {s for s in range(steps) if s % (2 * per_beat) == 2 * per_beat - 1}
        hat = "".join("X" if s % per_beat == 0 else "x" if s in skips else "." for s in range(steps))
    patterns = {"kick": _drawn(rng, kick), "snare": _drawn(rng, snare), "hat": hat}
    if rng.random() < 0.35:
        cell = [3, 3, 2] if rng.random() < 0.5 else [3, 3, 4, 2, 4]
        clave = _at(steps, *(np.cumsum([0, *cell])[:-1] / sum(cell)))
        patterns["perc"] = _drawn(rng, clave if rng.random() < 0.5 else _meter_weights(rng, beats, per_beat))
    for name in ("kick", "hat", "snare"):
        if rng.random() < 0.06:
            patterns.pop(name, None)
    return patterns


def _player(family: str, per_beat_choices: tuple[int, ...]) -> Callable[[Performance], None]:
    """A function that plays a piece of a family."""

    def play(p: Performance) -> None:
        rng = p.rng
        beats, per_beat = p.beats_per_bar, int(rng.choice(per_beat_choices))
        drummed = family not in ("strummed", "melodic")
        if drummed:
            kit, gain = random_kit(rng), {k: rng.uniform(0.4, 1.0) for k in ("kick", "snare", "hat", "perc")}
            variants = [_drums(rng, family, beats, per_beat) for _ in range(2 if rng.random() < 0.5 else 1)]
            for bar in range(p.bars):
                for name, pattern in variants[bar % len(variants)].items():
                    p.groove(kit, bar, {name: pattern}, gain[name])
                if bar % 8 == 7 and rng.random() < 0.5:
                    p.groove(kit, bar, {"snare": _drawn(rng, [0.4] * (beats * per_beat))}, gain["snare"])
        if not drummed or rng.random() < 0.85:
            _harmony(p, family, beats, per_beat)
        if rng.random() < 0.4:
            melody(p, beats, per_beat)

    return play


def _harmony(p: Performance, family: str, beats: int, per_beat: int) -> None:
    rng, steps = p.rng, beats * per_beat
    numerals = progression(rng, p.mode)
    bars_per_chord = float(rng.choice([0.5, 1, 1, 1, 2])) if beats % 2 == 0 else float(rng.choice([1, 1, 2]))
    bass, comp, level = random_timbre(rng), random_timbre(rng), rng.uniform(0.3, 1.0)
    bass_rows = [
        _at(steps, 0),
        _at(steps, 0, 0.5),
        _at(steps, *(b / beats for b in range(beats))),
        _meter_weights(rng, beats, per_beat),
        [1.0 if s % max(per_beat // 2, 1) == 0 else 0.0 for s in range(steps)],
    ]
    comp_rows = [
        _at(steps, 0),
        _at(steps, *(b / beats for b in range(beats))),
        _at(steps, *((b + 0.5) / beats for b in range(beats))),
        _meter_weights(rng, beats, per_beat),
        [1.0 if s % max(per_beat // 2, 1) == 0 else 0.0 for s in range(steps)],
        [1.0] * steps,
    ]
    bass_row = _drawn(rng, bass_rows[int(rng.integers(len(bass_rows)))])
    kind = int(rng.integers(len(comp_rows))) if family != "onedrop" else 2
    comp_row, arpeggio = _drawn(rng, comp_rows[kind]), kind >= 3 and rng.random() < 0.6
    has_bass = rng.random() < 0.9
    lowest = int(rng.integers(50, 62))
    for bar in range(p.bars):
        for step in range(steps):
            at = bar * beats + step / per_beat
            here = chord(numerals[int(at / beats / bars_per_chord) % len(numerals)], p.key_root)
            if has_bass and bass_row[step] != ".":
                low = here.bass(int(rng.choice([31, 31, 36])))
                p.note(bass, low, at, 0.9 * gap(bass_row, step) / per_beat, 0.9 * level)
            if comp_row[step] != ".":
                notes = here.voiced(lowest)
                chosen = [notes[step % len(notes)]] if arpeggio else notes
                for note in chosen:
                    p.note(comp, note, at, 0.95 * gap(comp_row, step) / per_beat, 0.6 * level / len(chosen) ** 0.5)


def melody(p: Performance, beats: int, per_beat: int) -> None:
    rng = p.rng
    scale = {(p.key_root + step) % 12 for step in _SCALES[p.mode]}
    timbre, notes = random_timbre(rng), [note for note in range(60, 85) if note % 12 in scale]
    rows = [_drawn(rng, [0.8 * w for w in _meter_weights(rng, beats, per_beat)]) for _ in range(4)]
    place, level = len(notes) // 2, rng.uniform(0.3, 0.8)
    for bar in range(p.bars):
        row = rows[bar % len(rows)]
        for step, letter in enumerate(row):
            if letter != "." and p.chance(0.9):
                place = int(np.clip(place + rng.integers(-2, 3), 0, len(notes) - 1))
                p.note(timbre, notes[place], bar * beats + step / per_beat, 0.9 * gap(row, step) / per_beat, level)


def gap(row: str, step: int) -> int:
    """Steps to the next stroke."""
    for distance in range(1, len(row) + 1):
        if row[(step + distance) % len(row)] != ".":
            return distance
    return len(row)


def damaged(y: Floats, rng: Rng) -> Floats:
    kind = rng.random()
    if kind < 0.1:
        return damage.with_noise(y, rng.uniform(3, 25), rng.uniform(0, 1), rng)
    if kind < 0.15:
        return damage.band_limited(y, rng.uniform(40, 300), rng.uniform(2500, 9000))
    if kind < 0.2:
        return damage.clipped(y, rng.uniform(3, 12))
    if kind < 0.25:
        return damage.through_codec(y, "mp3", rng.uniform(0.5, 1))
    return y


def _straight(rng: Rng) -> Feel:
    swing = rng.uniform(0.52, 0.64) if rng.random() < 0.15 else 0.5
    return Feel(swing=swing, swing_unit=float(rng.choice([0.5, 1.0])), timing_s=rng.uniform(0.001, 0.015))


def _swung(rng: Rng) -> Feel:
    return Feel(swing=rng.uniform(0.58, 0.68), swing_unit=1.0, timing_s=rng.uniform(0.002, 0.015))


def _style(
    name: str,
    family: str,
    slow: float,
    fast: float,
    per_beat: tuple[int, ...],
    beats: int = 4,
    *,
    drift: float = 0.0,
    swung: bool = False,
) -> Style:
    return Style(
        name, slow, fast, _player(family, per_beat), "the beat of the meter", beats,
        feel=_swung if swung else _straight, drift=drift, damage=damaged,
    )  # fmt: skip


STYLES = {
    style.name: style
    for style in (
        _style("grammar-floor", "floor", 90, 160, (2, 4, 4)),
        _style("grammar-backbeat", "backbeat", 80, 190, (2,)),
        _style("grammar-sixteenths", "sixteenths", 60, 125, (4,)),
        _style("grammar-halftime", "halftime", 110, 180, (2, 4)),
        _style("grammar-broken", "broken", 75, 180, (4,)),
        _style("grammar-polka", "polka", 80, 200, (2, 2, 4)),
        _style("grammar-onedrop", "onedrop", 65, 160, (2, 4)),
        _style("grammar-march", "march", 85, 150, (2, 4, 3)),
        _style("grammar-shuffle", "shuffle", 70, 180, (2,), swung=True),
        _style("grammar-ride", "ride", 90, 200, (2,), swung=True),
        _style("grammar-ride-triplets", "ride", 80, 180, (3,)),
        _style("grammar-triple", "triple", 75, 200, (2,), 3),
        _style("grammar-compound", "compound", 60, 130, (3,), 2),
        _style("grammar-compound-four", "compound", 60, 150, (3,)),
        _style("grammar-meter", "meter", 60, 200, (2, 2, 4)),
        _style("grammar-meter-drift", "meter", 70, 180, (2,), drift=0.015),
        _style("grammar-backbeat-drift", "backbeat", 80, 180, (2,), drift=0.02),
        _style("grammar-strummed", "strummed", 60, 170, (2, 2, 4)),
        _style("grammar-strummed-three", "strummed", 70, 180, (2,), 3),
        _style("grammar-melodic", "melodic", 65, 160, (2, 4, 3), drift=0.005),
    )
}
#: Those that always have chords, and so a key.
PITCHED = {name: style for name, style in STYLES.items() if "strummed" in name or "melodic" in name}
