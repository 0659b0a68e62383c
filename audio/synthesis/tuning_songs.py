"""How the tuning styles are played: progressions, patterns and melodies of their own."""

from collections.abc import Iterator, Sequence

from audio.synthesis import tuning_sounds as s
from audio.synthesis.drum_sounds import Kit
from audio.synthesis.harmony import Chord, chord, melody_notes, nearest
from audio.synthesis.performance import Performance
from audio.synthesis.tones import Timbre
from core.audio import Mode

#: Only loops whose key musicians would agree on: none that is as well one of the relative key.
_POP = {
    Mode.MAJOR: ("I V vi IV", "I vi IV V", "I IV V IV", "I iii IV V", "I IV I V", "I IV ii V", "I bVII IV I"),
    Mode.MINOR: ("i bVI bVII i", "i iv V7 i", "i bVII bVI V", "i iv i V", "i bVI iv V", "i v bVI bVII"),
}
_RICH = {
    Mode.MAJOR: ("Imaj7 vi7 ii7 V7", "Imaj7 IVmaj7 ii7 V7", "Imaj7 II7 ii7 V7", "IVmaj7 iv6 Imaj7 V7"),
    Mode.MINOR: ("i7 iv7 iim7b5 V7", "i9 iv9 bVImaj7 V7", "i7 bVII7 bVImaj7 V7", "i6 iim7b5 V7 i6"),
}
_BLUES = ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7")
_MINOR_BLUES = "i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7"


def _progression(p: Performance, choices: Sequence[str], bars_per_chord: int = 1) -> list[Chord]:
    """A chord for every bar."""
    loop = [chord(numeral, p.key_root) for numeral in str(p.rng.choice(choices)).split()]
    return [loop[bar // bars_per_chord % len(loop)] for bar in range(p.bars)]


def _bars(p: Performance, chords: list[Chord]) -> Iterator[tuple[int, float, Chord, bool]]:
    """Bars with their first beat, chord, and whether drums play: often not at first, sometimes not for two bars."""
    silent = set(range(int(p.rng.integers(1, 5)))) if p.chance(0.35) else set()
    if p.chance(0.25):
        start = int(p.rng.integers(4, max(p.bars, 5)))
        silent |= {start, start + 1}
    for bar in range(p.bars):
        yield bar, float(bar * p.beats_per_bar), chords[bar], bar not in silent


def _strum(p: Performance, timbre: Timbre, notes: Sequence[int], beat: float, beats: float, velocity: float) -> None:
    for note in notes:
        p.note(timbre, note, beat, beats, velocity)


def _sing(
    p: Performance, timbre: Timbre, chords: list[Chord], rhythms: Sequence[str], lowest: int, velocity: float
) -> None:
    """A melody that walks by steps, meets the chord on its beats, and pauses or comes home every fourth bar."""
    middle = lowest + 7
    at = float(middle)
    for bar, own in enumerate(chords):
        if bar % 4 == 3 and p.chance(0.4):
            continue
        rhythm = str(p.rng.choice(rhythms))
        step = p.beats_per_bar / len(rhythm)
        starts = [i for i, letter in enumerate(rhythm) if letter != "."]
        for i, until in zip(starts, [*starts[1:], len(rhythm)], strict=True):
            home = until == len(rhythm) and bar % 4 == 3 and p.key_root in own.tones
            notes = melody_notes(p.key_root, p.mode, own, lowest - 2, lowest + 16, strong=(i * step) % 1 == 0)
            # A tune is drawn back to the middle of its range.
            at = nearest(notes, at + float(p.rng.choice([-3, -2, -1, 0, 1, 2, 3])) + 0.2 * (middle - at))
            if home:
                at = nearest([note for note in notes if note % 12 == p.key_root], at)
            p.note(timbre, int(at), bar * p.beats_per_bar + i * step, (until - i) * step * 0.9, velocity)


def _fill(p: Performance, kit: Kit, bar: int) -> None:
    p.groove(kit, bar, {"snare": "........x.xx", "tom": "...........x", "kick": "x..."} if p.beats_per_bar == 3 else
             {"kick": "x...x...", "snare": "....x...xoxxx...", "tom": ".............xxx"})  # fmt: skip


def rock(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode])
    kick = str(p.rng.choice(["x...x...", "x..xx...", "x...xx..", "x.x.x..."]))
    cymbal = str(p.rng.choice(["hat", "hat", "ride"]))
    for bar, beat, own, drums in _bars(p, chords):
        for i in range(8):
            p.note(s.FINGER_BASS, own.bass(28), beat + i / 2, 0.45, 0.6 if i % 2 else 0.75)
        power = [own.bass(40), own.bass(40) + 7, own.bass(40) + 12]
        for at, length in ((0.0, 1.5), (1.5, 1.0), (2.5, 1.5)):
            _strum(p, s.OVERDRIVEN, power, beat + at, length * 0.9, 0.22)
        if drums and bar % 8 == 7:
            _fill(p, s.ACOUSTIC, bar)
        elif drums:
            p.groove(
                s.ACOUSTIC, bar, {"kick": kick, "snare": "..X...X.", cymbal: "xxxxxxxx" if bar % 2 else "xoxoxoxo"}
            )
            if bar % 8 == 0:
                p.hit(s.ACOUSTIC, "crash", beat, 0.7)
    _sing(p, s.ALTO_VOICE, chords, ("x.xxx.x.", "x...x.xx", ".xx.x...", "x..x..x."), 60, 0.45)


def house(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode] + _RICH[p.mode], int(p.rng.choice([1, 2])))
    stab = str(p.rng.choice(["..x..x....x..x..", "x..x..x....x....", "..x...x...x...x."]))
    bass = str(p.rng.choice(["..x...x...x...x.", "x..x..x...x.x..x", "..xx..xx..xx..x."]))
    for _bar, beat, own, drums in _bars(p, chords):
        for i in range(16):
            if stab[i] == "x":
                _strum(p, s.STAB, own.voiced(57), beat + i / 4, 0.3, 0.3)
            if bass[i] == "x":
                p.note(s.PLUCKED_SYNTH_BASS, own.bass(31), beat + i / 4, 0.22, 0.6)
        _strum(p, s.PAD, own.voiced(52), beat, 4, 0.1)
        if drums:
            p.groove(
                s.MACHINE, _bar, {"kick": "XXXX", "clap": ".x.x", "open": ".x.x.x.x", "shaker": "xoxoxoxoxoxoxoxo"}
            )
            for i in range(4):
                p.pump(beat + i)


def ballad(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode] + _RICH[p.mode])
    order = list(p.rng.permutation([0, 1, 2, 1, 2, 1, 2, 1]))
    for bar, beat, own, drums in _bars(p, chords):
        voices = own.voiced(55)
        for i in range(8):
            p.note(s.PIANO, voices[order[i] % len(voices)], beat + i / 2, 0.9, 0.4)
        p.note(s.PIANO, own.bass(36), beat, 3.5, 0.5)
        p.note(s.ROUND_BASS, own.bass(29), beat, 1.9, 0.5)
        p.note(s.ROUND_BASS, own.bass(29), beat + 2.5, 1.4, 0.4)
        if drums:
            snare = "snare" if bar > p.bars // 2 else "rim"
            p.groove(s.ACOUSTIC, bar, {"kick": "x....x..", snare: "..x...x.", "hat": "xoxoxoxo"}, 0.7)
    _sing(p, s.ALTO_VOICE, chords, ("x..xx...", "..x.x.x.", "x...x..."), 62, 0.5)


def march(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode], 2)
    for bar, beat, own, drums in _bars(p, chords):
        for i in range(4):
            if i % 2 == 0:
                p.note(s.BRASS, own.bass(33) + (0 if i == 0 else 7), beat + i, 0.6, 0.5)
            _strum(p, s.BRASS, own.voiced(55), beat + i + (0.5 if p.bars % 2 else 0.0), 0.3, 0.18)
        if drums:
            roll = "x.oox.oox.ooxoxo" if bar % 2 else "x.xxx.x.x.xxx.x."
            p.groove(s.MARCHING, bar, {"bass drum": "x.x.", "snare": roll})
            if bar % 4 == 0:
                p.hit(s.MARCHING, "cymbals", beat, 0.6)
    _sing(p, s.WOODWIND, chords, ("x..xx.x.", "x.x.xxx.", "x...x..x"), 67, 0.45)


def bossa(p: Performance) -> None:
    chords = _progression(p, _RICH[p.mode], int(p.rng.choice([1, 2])))
    for bar, beat, own, drums in _bars(p, chords):
        rhythm = "x.xx.x.." if bar % 2 else "x..x..x."
        for i in range(8):
            if rhythm[i] == "x":
                _strum(p, s.NYLON_GUITAR, own.voiced(53), beat + i / 2, 0.8, 0.3)
        for at, fifth in ((0.0, 0), (1.5, 7), (2.0, 7), (3.5, 0)):
            p.note(s.ROUND_BASS, own.bass(29) + fifth, beat + at, 0.5 if at % 1 else 1.3, 0.6)
        if drums:
            rim = "..x..x.." if bar % 2 else "x..x..x."
            p.groove(s.ACOUSTIC, bar, {"kick": "x..xx..x", "rim": rim, "shaker": "xoxoxoxo"}, 0.6)
    _sing(p, s.WOODWIND, chords, (".x.x..x.", "x..x..x.", "..x..x.."), 64, 0.45)


def shuffle_blues(p: Performance) -> None:
    chords = _progression(p, _BLUES if p.mode is Mode.MAJOR else (_MINOR_BLUES,))
    cymbal = str(p.rng.choice(["hat", "ride"]))
    for bar, beat, own, drums in _bars(p, chords):
        third = own.tones[1] - own.root
        for i, step in enumerate((0, third % 12, 7, 9)):
            p.note(s.UPRIGHT_BASS, own.bass(28) + step, beat + i, 0.9, 0.7)
        for i in range(8):
            _strum(
                p, s.STEEL_GUITAR, [own.bass(45), own.bass(45) + (9 if i % 4 in (2, 3) else 7)], beat + i / 2, 0.4, 0.25
            )
        _strum(p, s.ORGAN, own.voiced(57), beat + 1, 0.4, 0.12)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x.x.", "snare": ".X.X", cymbal: "xoxoxoxo"})
    _sing(p, s.LEAD, chords, ("x.xxx...", "..xx.x..", "x..x...."), 60, 0.35)


def boom_bap(p: Performance) -> None:
    chords = _progression(p, _RICH[p.mode], 2)
    kick = str(p.rng.choice(["X......x..X.....", "X..x......Xx....", "X.x....x.xX....."]))
    for bar, beat, own, drums in _bars(p, chords):
        _strum(p, s.PIANO, own.voiced(56), beat + (0.0 if bar % 2 else 0.5), 1.8, 0.25)
        for i in (0.0, 1.75, 2.5):
            p.note(s.ROUND_BASS, own.bass(26), beat + i, 0.7, 0.8)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": kick, "snare": "....X.......X...", "hat": "x.x.x.xox.x.x.xo"})
    _sing(p, s.WOODWIND, chords, ("x...........x...", "....x.x........."), 65, 0.25)


def half_time_pop(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode], int(p.rng.choice([1, 2])))
    kick = str(p.rng.choice(["x.....x.", "x..x....", "x.x....x"]))
    for bar, beat, own, drums in _bars(p, chords):
        _strum(p, s.PAD, own.voiced(55), beat, 4, 0.25)
        for i in range(8):
            p.note(s.PLUCKED_SYNTH_BASS, own.bass(31), beat + i / 2, 0.4, 0.45)
            p.note(s.ARPEGGIO, own.voiced(67)[i % len(own.tones)], beat + i / 2, 0.4, 0.25)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": kick, "snare": "....X...", "hat": "xxxxxxxx", "clap": "....x..."})
    _sing(p, s.ALTO_VOICE, chords, ("x..x..x.", "x...xx..", ".x.x...."), 62, 0.45)


def fingerpicked(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode])
    for beat, own in ((bar * 4.0, own) for bar, own in enumerate(chords)):
        voices = own.voiced(57)
        for i in range(4):
            p.note(s.STEEL_GUITAR, own.bass(40) + (7 if i % 2 else 0), beat + i, 0.95, 0.6)
            if p.chance(0.9):
                p.note(s.STEEL_GUITAR, voices[int(p.rng.integers(len(voices)))], beat + i + 0.5, 0.9, 0.4)
            if p.chance(0.4):
                p.note(s.STEEL_GUITAR, voices[-1] + 12 * int(p.chance(0.3)), beat + i, 0.9, 0.4)
    if p.chance(0.6):
        _sing(p, s.ALTO_VOICE, chords, ("x..xx...", "..x.x.x.", "x...x..."), 60, 0.45)


def disco(p: Performance) -> None:
    chords = _progression(p, _RICH[p.mode] + _POP[p.mode])
    for bar, beat, own, drums in _bars(p, chords):
        for i in range(8):
            p.note(s.FINGER_BASS, own.bass(28) + 12 * (i % 2), beat + i / 2, 0.4, 0.7)
        for at in (0.75, 1.5, 2.75, 3.5):
            _strum(p, s.NYLON_GUITAR, own.voiced(60), beat + at, 0.2, 0.3)
        _strum(p, s.GRAND_STRINGS, own.voiced(64), beat, 4, 0.14)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "XXXX", "snare": ".x.x", "open": ".x.x.x.x", "hat": "x.oxx.oxx.oxx.ox"})
    _sing(p, s.ALTO_VOICE, chords, ("x.x.xx..", "x..x.x.x"), 64, 0.4)


def punk(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode])
    kick = str(p.rng.choice(["x...x...", "x..xx..x", "x...x..x"]))
    for bar, beat, own, drums in _bars(p, chords):
        power = [own.bass(40), own.bass(40) + 7]
        for i in range(8):
            _strum(p, s.OVERDRIVEN, power, beat + i / 2, 0.4, 0.3)
            p.note(s.FINGER_BASS, own.bass(28), beat + i / 2, 0.45, 0.55)
        if drums and bar % 8 == 7:
            _fill(p, s.ACOUSTIC, bar)
        elif drums:
            p.groove(s.ACOUSTIC, bar, {"kick": kick, "snare": "..X...X.", "crash": "o.o.o.o.", "hat": "x.x.x.x."})
    _sing(p, s.LEAD, chords, ("x.x.x.x.", "x.xxx...", "x...x.x."), 57, 0.35)


def country_waltz(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode], int(p.rng.choice([1, 2])))
    for bar, beat, own, drums in _bars(p, chords):
        p.note(s.UPRIGHT_BASS, own.bass(28) + (7 if bar % 2 else 0), beat, 0.9, 0.7)
        for i in (1, 2):
            _strum(p, s.STEEL_GUITAR, own.voiced(55), beat + i, 0.7, 0.25)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x..", "snare": ".xx", "hat": "xoxoxo"}, 0.6)
    _sing(p, s.LEAD, chords, ("x..xx.", "x...x.", "x.x.x."), 64, 0.35)


def slow_six_eight(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode])
    for bar, beat, own, drums in _bars(p, chords):
        for i in range(12):
            _strum(p, s.PIANO, own.voiced(58)[1:], beat + i / 3, 0.3, 0.22)
        for i, step in enumerate((0, 0, 7, 0)):
            p.note(s.FINGER_BASS, own.bass(29) + step, beat + i, 0.8, 0.65)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x....xx.....", "snare": "...X.....X..", "hat": "xooxooxooxoo"})
    _sing(p, s.ALTO_VOICE, chords, ("x..x..x.x...", "x.....x..x..", "...x.xx....."), 62, 0.45)


def trance(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode], 2)
    accents = [i for i in range(16) if p.chance(0.5)]
    for bar, beat, own, drums in _bars(p, chords):
        voices = own.voiced(62)
        for i in range(16):
            p.note(
                s.ARPEGGIO,
                voices[i % len(voices)] + 12 * (i % 8 == 7),
                beat + i / 4,
                0.22,
                0.4 if i in accents else 0.2,
            )
            if i % 4:
                p.note(s.PLUCKED_SYNTH_BASS, own.bass(31), beat + i / 4, 0.2, 0.45)
        _strum(p, s.PAD, own.voiced(55), beat, 4, 0.16)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": "XXXX", "open": ".x.x.x.x", "clap": ".x.x" if bar % 16 > 7 else "...."})
            for i in range(4):
                p.pump(beat + i)


def soul(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode] + _RICH[p.mode])
    bass = str(p.rng.choice(["x..xx.x.", "x.xx.xx.", "x..x.xx."]))
    for bar, beat, own, drums in _bars(p, chords):
        for i in range(8):
            if bass[i] == "x":
                p.note(s.FINGER_BASS, own.bass(28) + int(p.rng.choice([0, 0, 7, 12])), beat + i / 2, 0.45, 0.75)
        for at in (0.0, 2.5):
            _strum(p, s.BRASS, own.voiced(58), beat + at, 0.5, 0.16)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x..xx...", "snare": "xxxx", "tambourine": "xxxxxxxx"})
    _sing(p, s.ALTO_VOICE, chords, ("x.xx.x..", "..x.x.xx", "x..x...."), 64, 0.5)


def train_beat(p: Performance) -> None:
    chords = _progression(p, _POP[p.mode], 2)
    for bar, beat, own, drums in _bars(p, chords):
        for i, step in ((0, 0), (2, 7)):
            p.note(s.UPRIGHT_BASS, own.bass(28) + step, beat + i, 0.9, 0.75)
        for i in (1, 3):
            _strum(p, s.STEEL_GUITAR, own.voiced(55), beat + i, 0.45, 0.28)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x.x.", "brush": "xoXoxoXoxoXoxoXx", "snare": "..o...o...o...o."}, 0.8)
    _sing(p, s.STEEL_GUITAR, chords, ("x.xxx.x.", "xxx.x...", "x...x.xx"), 62, 0.5)
