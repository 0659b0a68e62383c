"""Random harmony for fitting the key: modes, borrowed chords, riffs, pedals, power chords, tunes without chords.

Wider than `benchmarks.random_grooves`, so that what decides a key is learned from more than pop loops. What all pieces
share is what makes a note the tonic: it begins or ends phrases, sounds long, is in the bass, and is come home to.
"""

import numpy as np

from audio.synthesis import damage
from audio.synthesis.harmony import chord
from audio.synthesis.performance import Feel, Performance
from audio.synthesis.piece import Floats, Style
from benchmarks.random_sounds import random_kit, random_timbre
from core.audio import Mode

Rng = np.random.Generator

#: Chords of each mode with how often they are drawn; the tonic's come besides.
_CHORDS: dict[str, dict[str, float]] = {
    "ionian": {"IV": 4, "V": 4, "vi": 3, "ii": 2, "iii": 1, "V7": 2, "bVII": 0.5, "iv": 0.5, "II7": 0.4, "VI7": 0.4,
               "III7": 0.4, "bVI": 0.3, "ii7": 1, "IVmaj7": 1},
    "mixolydian": {"bVII": 4, "IV": 4, "v": 1, "ii": 1, "vi": 0.5, "bIII": 0.5},
    "lydian": {"II": 3, "V": 2, "vi": 1, "iii": 1, "IV": 0.3},
    "blues": {"IV7": 4, "V7": 3, "bVII": 0.7, "bIII": 0.7, "ii7": 0.5},
    "aeolian": {"bVI": 4, "bVII": 4, "iv": 3, "v": 1.5, "bIII": 1.5, "iim7b5": 0.4, "V": 1},
    "harmonic": {"V": 4, "V7": 3, "iv": 4, "bVI": 3, "iim7b5": 1, "bII": 0.4, "bIII": 1},
    "dorian": {"IV": 4, "bVII": 3, "ii": 1, "bIII": 1, "v": 1},
    "phrygian": {"bII": 4, "bvii": 1, "bVI": 1, "bIII": 1, "iv": 1},
}  # fmt: skip
_SCALES = {
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "blues": (0, 2, 3, 4, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
_MODES = {
    Mode.MAJOR: (("ionian", 0.68), ("mixolydian", 0.15), ("lydian", 0.05), ("blues", 0.12)),
    Mode.MINOR: (("aeolian", 0.42), ("harmonic", 0.33), ("dorian", 0.17), ("phrygian", 0.08)),
}
_TONIC = {Mode.MAJOR: ("I", "Imaj7", "I6"), Mode.MINOR: ("i", "i7", "i6")}


def _loop(rng: Rng, mode: Mode, name: str) -> list[str]:
    """Chords of a phrase; the tonic is its first (mostly), or its last, and one more where the phrase is long."""
    tonic = "I7" if name == "blues" else str(rng.choice(_TONIC[mode], p=(0.8, 0.15, 0.05)))
    options = _CHORDS[name]
    weights = np.array(list(options.values()))
    length = int(rng.choice([1, 2, 3, 4, 8], p=(0.05, 0.2, 0.05, 0.45, 0.25)))
    loop = [str(c) for c in rng.choice(list(options), length, p=weights / weights.sum())]
    place = 0 if rng.random() < 0.75 else -1
    loop[place] = tonic
    for i in range(1, length):
        if rng.random() < (0.35 if length == 8 else 0.1):
            loop[i] = tonic
    return loop


def _tune(p: Performance, scale: tuple[int, ...], rate: float, level: float, lowest: int) -> None:
    """A melody of the scale that leans on the tonic triad, and ends phrases on its notes."""
    rng = p.rng
    timbre = random_timbre(rng)
    triad = (0, 4 if p.mode is Mode.MAJOR else 3, 7)
    notes = [n for n in range(lowest, lowest + 20) if (n - p.key_root) % 12 in scale]
    pull = np.array([{0: 2.2, triad[1]: 1.5, 7: 1.5}.get((n - p.key_root) % 12, 1.0) for n in notes])
    place, at, total = len(notes) // 2, 0.0, p.bars * p.beats_per_bar
    while at < total:
        near = np.exp(-0.5 * ((np.arange(len(notes)) - place) / 2.0) ** 2) * pull
        place = int(rng.choice(len(notes), p=near / near.sum()))
        length = float(rng.choice([0.5, 1, 1, 2, 3])) / rate
        if rng.random() < 0.85:
            p.note(timbre, notes[place], at, 0.9 * length, level)
        at += length


def _chords(p: Performance, name: str) -> None:
    rng, beats = p.rng, p.beats_per_bar
    loops = [_loop(rng, p.mode, name) for _ in range(int(rng.choice([1, 2])))]
    per_chord = float(rng.choice([0.5, 1, 1, 2])) * beats
    power, pedal, inverted = rng.random() < 0.2, rng.random() < 0.08, rng.random() < 0.25
    has_bass, has_chords = rng.random() < 0.85, rng.random() < 0.9
    bass, comp, lowest = random_timbre(rng), random_timbre(rng), int(rng.integers(45, 62))
    bass_level, level = rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.0)
    pulse, walking, held = float(rng.choice([0.5, 1, 2])), rng.random() < 0.25, rng.random() < 0.4
    arpeggio = rng.random() < 0.3
    at, index, turn = 0.0, 0, 0
    while at < p.bars * beats:
        loop = loops[(turn // 4) % len(loops)]
        own = chord(loop[index], p.key_root)
        tones = (own.root, (own.root + 7) % 12) if power else own.tones
        if has_chords:
            voices = sorted(lowest + (t - lowest) % 12 for t in tones)
            step = per_chord if held and not arpeggio else pulse
            for i in range(max(int(per_chord / step), 1)):
                for note in [voices[i % len(voices)]] if arpeggio else voices:
                    p.note(comp, note, at + i * step, 0.9 * step, 0.6 * level / len(voices) ** 0.5)
        if has_bass or not has_chords:
            for i in range(max(int(per_chord / pulse), 1)):
                tone = own.root
                if pedal:
                    tone = p.key_root
                elif walking and i:
                    tone = int(rng.choice(own.tones))
                elif inverted and rng.random() < 0.3:
                    tone = own.tones[1]
                p.note(bass, 30 + (tone - 30) % 12, at + i * pulse, 0.9 * pulse, 0.8 * bass_level)
        at, index = at + per_chord, index + 1
        if index == len(loop):
            index, turn = 0, turn + 1


def _drummed(p: Performance) -> None:
    rng = p.rng
    kit, gain = random_kit(rng), rng.uniform(0.2, 1.0)
    kick = "".join("X" if s == 0 or rng.random() < 0.25 else "." for s in range(8))
    for bar in range(p.bars):
        p.groove(kit, bar, {"kick": kick, "snare": "..X...X.", "hat": "xxxxxxxx"}, gain)


def _mode(p: Performance) -> str:
    modes = dict(_MODES[p.mode])
    return str(p.rng.choice(list(modes), p=list(modes.values())))


def _song(p: Performance) -> None:
    name = _mode(p)
    _chords(p, name)
    if p.rng.random() < 0.6:
        _tune(p, _SCALES[name], float(p.rng.choice([1, 2])), p.rng.uniform(0.2, 0.8), int(p.rng.integers(55, 70)))
    if p.rng.random() < 0.7:
        _drummed(p)


def _unaccompanied(p: Performance) -> None:
    """One or two tunes over nothing, or over a drone."""
    scale = _SCALES[_mode(p)]
    _tune(p, scale, float(p.rng.choice([1, 2])), 0.7, int(p.rng.integers(40, 70)))
    if p.rng.random() < 0.5:
        drone = random_timbre(p.rng)
        for bar in range(p.bars):
            p.note(drone, 36 + p.key_root, bar * p.beats_per_bar, 0.95 * p.beats_per_bar, 0.4)
    elif p.rng.random() < 0.6:
        _tune(p, scale, 1.0, 0.5, 36)


def _colored(y: Floats, rng: Rng) -> Floats:
    """A recording: bright, dull, hissing, small, or clipped."""
    kind = rng.random()
    if kind < 0.15:
        return damage.with_noise(y, rng.uniform(3, 25), rng.uniform(0, 1), rng)
    if kind < 0.35:
        return damage.band_limited(y, rng.uniform(40, 400), rng.uniform(1200, 9000))
    if kind < 0.45:
        return damage.clipped(y, rng.uniform(3, 15))
    return y


def _feel(rng: Rng) -> Feel:
    return Feel(timing_s=rng.uniform(0.001, 0.015))


STYLES = {
    style.name: style
    for style in (
        Style("harmony-song", 70, 170, _song, "the beat of the meter", feel=_feel, damage=_colored),
        Style("harmony-song-three", 80, 160, _song, "the beat of the meter", 3, feel=_feel, damage=_colored),
        Style("harmony-tune", 70, 160, _unaccompanied, "the beat of the meter", feel=_feel, damage=_colored),
    )
}
