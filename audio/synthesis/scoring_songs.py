"""How the scoring styles are played: arrangement and melody, and the styles with a band."""

from collections.abc import Iterator, Sequence

import numpy as np

from audio.synthesis import scoring_sounds as s
from audio.synthesis.harmony import Chord, chord, melody_notes, nearest
from audio.synthesis.performance import Performance
from audio.synthesis.tones import Timbre
from core.audio import Mode

#: Turnarounds of jazz standards, a bar or half a bar to a chord.
_STANDARDS = {
    Mode.MAJOR: "Imaj7 VI7 ii7 V7 Imaj7 I7 IVmaj7 iv6 iii7 VI7 ii7 V7 Imaj7 vi7 ii7 V7",
    Mode.MINOR: "i6 i6 iim7b5 V7 i6 bVImaj7 iim7b5 V7 iv7 bVII7 bIIImaj7 bVImaj7 iim7b5 V7 i6 i6",
}
#: Only loops whose key musicians would agree on: none that is as well one of the relative key.
_SONGS = {
    Mode.MAJOR: ("I V IV I", "I ii V I", "I vi ii V", "I I IV V", "I I IV I", "I bVII IV I", "I V7 vi iii IV I IV V7"),
    Mode.MINOR: ("i bVII bVI bVII", "i iv i V7", "i bIII iv i", "i bVI bVII i", "bVI bVII i i", "i V7 i iv i V7 i i"),
}


def loop(p: Performance, choices: Sequence[str], bars_per_chord: float = 1) -> list[list[Chord]]:
    """For every bar its chords, one or (at half a bar each) two."""
    drawn = [chord(numeral, p.key_root) for numeral in str(p.rng.choice(choices)).split()]
    if bars_per_chord < 1:
        return [[drawn[2 * bar % len(drawn)], drawn[(2 * bar + 1) % len(drawn)]] for bar in range(p.bars)]
    return [[drawn[int(bar // bars_per_chord) % len(drawn)]] for bar in range(p.bars)]


def layers(p: Performance) -> Iterator[tuple[int, int]]:
    """Bars with how much is played in them: 0 no drums, 1 a part of the kit, 2 all; it changes every four bars."""
    density = 2
    start = int(p.rng.integers(4))
    for bar in range(p.bars):
        if (bar + start) % 4 == 0 or bar == 0:
            density = int(p.rng.choice([0, 1, 2, 2, 2, 2, 2]))
        yield bar, density


def play_chord(
    p: Performance, timbre: Timbre, notes: Sequence[int], beat: float, beats: float, velocity: float
) -> None:
    """Strike the notes together."""
    for note in notes:
        p.note(timbre, note, beat, beats, velocity)


def motif_line(
    p: Performance, timbre: Timbre, chords: list[list[Chord]], lowest: int, velocity: float, steps: int, busy: float
) -> None:
    """A tune made of one motif of two bars, shifted to fit the chords; every other time it may be broken off.

    Every fourth time it ends on the key's own root where the chord has it.
    """
    places = [i for i in range(2 * steps) if p.chance(busy if i % steps else 0.8)]
    shape = np.cumsum(p.rng.choice([-4, -2, -1, 0, 1, 2, 4], len(places)))
    shape = shape - shape.mean() if len(places) else shape
    step = p.beats_per_bar / steps
    for bar in range(0, p.bars - 1, 2):
        for n, place in enumerate(places):
            if bar % 4 == 2 and p.chance(0.35):
                continue
            own = chords[bar + place // steps][-1 if place % steps * 2 >= steps else 0]
            strong = (place * step) % 1 == 0 or n + 1 == len(places)
            notes = melody_notes(p.key_root, p.mode, own, lowest - 3, lowest + 18, strong=strong)
            if bar % 8 == 6 and n + 1 == len(places) and p.key_root in own.tones:
                notes = [note for note in notes if note % 12 == p.key_root]
            until = places[n + 1] if n + 1 < len(places) else 2 * steps
            length = min((until - place) * step, 2.5)
            beat = bar * p.beats_per_bar + place * step
            p.note(timbre, nearest(notes, lowest + 8 + shape[n]), beat, length * 0.85, velocity)


def swing_jazz(p: Performance) -> None:
    """Ride, pedaled hi-hat on 2 and 4, a bass that walks in quarters, chords off the beat, a tenor saxophone."""
    chords = loop(p, (_STANDARDS[p.mode],))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        following = chords[(bar + 1) % p.bars][0]
        for i, step in enumerate((0, own.tones[1] - own.root, own.tones[2] - own.root)):
            p.note(s.DOUBLE_BASS, own.bass(29) + step % 12, beat + i, 0.92, 0.75)
        p.note(s.DOUBLE_BASS, following.bass(29) + int(p.rng.choice([-1, 1])), beat + 3, 0.92, 0.7)
        for place in p.rng.choice([0.0, 0.5, 1.5, 2.5, 3.5], 2, replace=False):
            play_chord(p, s.GRAND, own.voiced(55), beat + float(place), 0.4, 0.25)
        if density:
            p.groove(s.JAZZ, bar, {"ride": "x.xxx.xx", "pedal": ".x.x"}, 0.8)
        if density == 2:
            p.groove(s.JAZZ, bar, {"kick": "oooo"}, 0.7)
            for i in range(8):
                if p.chance(0.15):
                    p.hit(s.JAZZ, "snare", beat + i / 2, 0.4)
    motif_line(p, s.TENOR_SAX, chords, 55, 0.5, 8, 0.45)


def waltz(p: Performance) -> None:
    """Bass on 1, chords on 2 and 3; accordion or strings above, no drums."""
    chords = loop(p, _SONGS[p.mode], float(p.rng.choice([1, 2])))
    lead, low = (s.ACCORDION, s.DOUBLE_BASS) if p.chance(0.5) else (s.BOWED, s.PLUCKED_STRINGS)
    for bar in range(p.bars):
        own = chords[bar][0]
        p.note(low, own.bass(31 if bar % 2 == 0 else 36), bar * 3.0, 0.9, 0.8)
        for i in (1, 2):
            play_chord(p, s.GRAND if p.bars % 2 else s.PLUCKED_STRINGS, own.voiced(54), bar * 3.0 + i, 0.5, 0.28)
    motif_line(p, lead, chords, 64, 0.45, 6 if p.chance(0.5) else 3, 0.5)


def funk(p: Performance) -> None:
    """Sixteenth-note syncopation around the one, ghost strokes on the snare, snare on 2 and 4."""
    vamps = ("I7 I7 IV7 I7", "I7 I7 I7 V7") if p.mode is Mode.MAJOR else ("i7 i7 iv7 i7", "i9 i9 i9 V7")
    chords = loop(p, vamps, float(p.rng.choice([1, 2])))
    kick = str(p.rng.choice(["X..x..x...x..x..", "X.x....x..xx....", "X.....xx..x....x"]))
    riff = "".join("x" if i == 0 or (i % 4 and p.chance(0.35)) else "." for i in range(16))
    scratch = "".join("x" if p.chance(0.4) else "." for _ in range(16))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        for i in range(16):
            if riff[i] == "x":
                p.note(
                    s.SLAP_BASS, own.bass(28) + int(p.rng.choice([0, 0, 12, 10, 7])) * (i > 0), beat + i / 4, 0.2, 0.7
                )
            if scratch[i] == "x":
                play_chord(p, s.CLAVINET, own.voiced(58), beat + i / 4, 0.18, 0.22)
        if density:
            hats = "xoxoxoxxxoxoxoxo" if density == 2 else "x.x.x.x.x.x.x.x."
            p.groove(s.STUDIO, bar, {"kick": kick, "snare": "....X..o.o..X..o", "hat": hats}, 0.85)
    motif_line(p, s.TRUMPET, chords, 64, 0.25, 16, 0.15)


def salsa(p: Performance) -> None:
    """Son clave over two bars, cowbell, a bass that anticipates the one, a piano montuno."""
    vamps = ("I IV V7 IV", "I ii V7 I") if p.mode is Mode.MAJOR else ("i iv V7 iv", "i bVII bVI V7")
    chords = loop(p, vamps)
    montuno = "x.xx.xx.x.xx.x.x" if p.chance(0.5) else "x..xx.xx.xx.xx.x"
    for bar, density in layers(p):
        beat, own, following = bar * 4.0, chords[bar][0], chords[(bar + 1) % p.bars][0]
        p.note(s.DOUBLE_BASS, own.bass(29) + 7, beat + 1.5, 1.4, 0.8)
        p.note(s.DOUBLE_BASS, following.bass(29), beat + 3.0, 2.3, 0.8)
        voices = own.voiced(60)
        for i in range(8):
            if montuno[i + 8 * (bar % 2)] == "x":
                play_chord(p, s.GRAND, (voices[i % len(voices)], voices[i % len(voices)] + 12), beat + i / 2, 0.4, 0.35)
        p.groove(s.LATIN, bar, {"clave": "..x.x..." if bar % 2 else "x..x..x."}, 0.9)
        if density:
            p.groove(s.LATIN, bar, {"conga": "o.x.o.xx", "tumba": "......xx" if bar % 2 else "........"}, 0.7)
        if density == 2:
            p.groove(s.LATIN, bar, {"cowbell": "x.xxx.x." if bar % 2 else "x.x.x.xx", "guiro": "x.xox.xo"}, 0.5)
    motif_line(p, s.TRUMPET, chords, 64, 0.35, 8, 0.35)


def reggae(p: Performance) -> None:
    """One drop: kick and cross-stick fall together on 2 and 4, guitar and organ on every offbeat, 1 is left empty."""
    chords = loop(p, _SONGS[p.mode], float(p.rng.choice([1, 2])))
    line = [i for i in range(16) if p.chance(0.35 if i else 0.3)]
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        for i in range(4):
            play_chord(p, s.CHOP_GUITAR, own.voiced(57), beat + i + 0.5, 0.2, 0.35)
        if p.bars % 2:
            for i in range(8):
                play_chord(p, s.ACCORDION, own.voiced(52), beat + i / 2 + 0.25, 0.15, 0.08)
        for i in line:
            p.note(s.SUB, own.bass(29) + int(p.rng.choice([0, 0, 7, 12])), beat + i / 4, 0.4, 0.8)
        if density:
            p.groove(
                s.STUDIO, bar, {"kick": ".X.X", "cross": ".x.x", "hat": "xoxoxoxo" if density == 2 else ".x.x.x.x"}, 0.8
            )
        if density == 2 and bar % 8 == 7:
            p.groove(s.STUDIO, bar, {"tom": "............xxxx"}, 0.7)
    motif_line(p, s.TENOR_VOICE, chords, 57, 0.4, 8, 0.3)


def indie(p: Performance) -> None:
    """A guitar band: eighths on the hi-hat, snare on 2 and 4, picked bass, a singer."""
    chords = loop(p, _SONGS[p.mode])
    kick = str(p.rng.choice(["x.....x.x.......", "x......xx.x.....", "x.......x.....x."]))
    shape = [0, 2, 1, 2, 0, 1, 2, 1] if p.chance(0.5) else [0, 1, 2, 1, 0, 1, 2, 2]
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        voices = own.voiced(59)
        for i in range(8):
            p.note(s.JANGLE, voices[shape[i] % len(voices)], beat + i / 2, 0.7, 0.35)
            if density or i == 0:
                p.note(s.PICK_BASS, own.bass(28), beat + i / 2, 0.45, 0.55)
        if density:
            p.groove(s.STUDIO, bar, {"kick": kick, "hat": "x.o.x.o.x.o.x.o."}, 0.9)
        if density == 2:
            p.groove(s.STUDIO, bar, {"snare": ".X.X" if bar % 8 != 7 else "....X.......XoXX"}, 0.9)
            if bar % 8 == 0:
                p.hit(s.STUDIO, "crash", beat, 0.6)
    motif_line(p, s.TENOR_VOICE, chords, 57, 0.5, 8, 0.4)


def metal_band(p: Performance) -> None:
    """Double bass drum in sixteenths, snare on 2 and 4, low guitars that gallop."""
    chords = loop(p, ("i5 i5 bVI5 bVII5", "i5 bII5 i5 V5", "i5 bIII5 i5 V5"))
    gallop = "x.xxx.xxx.xxx.xx" if p.chance(0.5) else "xxxxx.xxxxxxx.xx"
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        for i in range(16):
            if gallop[i] == "x":
                play_chord(p, s.DISTORTED, (own.bass(38), own.bass(38) + 7), beat + i / 4, 0.2, 0.3)
                p.note(s.PICK_BASS, own.bass(26), beat + i / 4, 0.2, 0.4)
        if density:
            p.groove(s.STUDIO, bar, {"snare": ".X.X", "open": "xxxx"}, 0.9)
            p.groove(s.STUDIO, bar, {"kick": gallop if density == 2 else "x..xx...x..xx..."}, 0.75)
    motif_line(p, s.HOOVER, chords, 60, 0.25, 8, 0.4)


def twelve_eight(p: Performance) -> None:
    """African bell pattern over four beats of three notes each, congas, a guitar that goes round."""
    chords = loop(p, _SONGS[p.mode], float(p.rng.choice([1, 2])))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        voices = own.voiced(60)
        for i in range(12):
            if i % 3 != 1 or p.chance(0.3):
                p.note(s.JANGLE, voices[(i * 2) % len(voices)], beat + i / 3, 0.3, 0.35)
        for i in (0, 5, 8, 11):
            p.note(s.PICK_BASS, own.bass(29) + (7 if i == 8 else 0), beat + i / 3, 0.5, 0.7)
        p.groove(s.LATIN, bar, {"bell": "x.x.xx.x.x.x"}, 0.6)
        if density:
            p.groove(s.LATIN, bar, {"conga": "..xx....xx..", "tumba": "x.....x....."}, 0.7)
        if density == 2:
            p.groove(s.STUDIO, bar, {"kick": "x..x..x..x..", "hat": "..x..x..x..x"}, 0.7)
    motif_line(p, s.TENOR_SAX, chords, 57, 0.35, 12, 0.3)
