"""How each of the tuning styles is played."""

from audio.synthesis import tuning_sounds as s
from audio.synthesis.performance import Performance
from audio.synthesis.tuning_arrangement import BLUES, MINOR_BLUES, POP, RICH, bars, fill, progression, sing, strum
from core.audio import Mode


def rock(p: Performance) -> None:
    chords = progression(p, POP[p.mode])
    kick = str(p.rng.choice(["x...x...", "x..xx...", "x...xx..", "x.x.x..."]))
    cymbal = str(p.rng.choice(["hat", "hat", "ride"]))
    for bar, beat, own, drums in bars(p, chords):
        for i in range(8):
            p.note(s.FINGER_BASS, own.bass(28), beat + i / 2, 0.45, 0.6 if i % 2 else 0.75)
        power = [own.bass(40), own.bass(40) + 7, own.bass(40) + 12]
        for at, length in ((0.0, 1.5), (1.5, 1.0), (2.5, 1.5)):
            strum(p, s.OVERDRIVEN, power, beat + at, length * 0.9, 0.22)
        if drums and bar % 8 == 7:
            fill(p, s.ACOUSTIC, bar)
        elif drums:
            p.groove(
                s.ACOUSTIC, bar, {"kick": kick, "snare": "..X...X.", cymbal: "xxxxxxxx" if bar % 2 else "xoxoxoxo"}
            )
            if bar % 8 == 0:
                p.hit(s.ACOUSTIC, "crash", beat, 0.7)
    sing(p, s.ALTO_VOICE, chords, ("x.xxx.x.", "x...x.xx", ".xx.x...", "x..x..x."), 60, 0.45)


def house(p: Performance) -> None:
    chords = progression(p, POP[p.mode] + RICH[p.mode], int(p.rng.choice([1, 2])))
    stab = str(p.rng.choice(["..x..x....x..x..", "x..x..x....x....", "..x...x...x...x."]))
    bass = str(p.rng.choice(["..x...x...x...x.", "x..x..x...x.x..x", "..xx..xx..xx..x."]))
    for _bar, beat, own, drums in bars(p, chords):
        for i in range(16):
            if stab[i] == "x":
                strum(p, s.STAB, own.voiced(57), beat + i / 4, 0.3, 0.3)
            if bass[i] == "x":
                p.note(s.PLUCKED_SYNTH_BASS, own.bass(31), beat + i / 4, 0.22, 0.6)
        strum(p, s.PAD, own.voiced(52), beat, 4, 0.1)
        if drums:
            p.groove(
                s.MACHINE, _bar, {"kick": "XXXX", "clap": ".x.x", "open": ".x.x.x.x", "shaker": "xoxoxoxoxoxoxoxo"}
            )
            for i in range(4):
                p.pump(beat + i)


def ballad(p: Performance) -> None:
    chords = progression(p, POP[p.mode] + RICH[p.mode])
    order = list(p.rng.permutation([0, 1, 2, 1, 2, 1, 2, 1]))
    for bar, beat, own, drums in bars(p, chords):
        voices = own.voiced(55)
        for i in range(8):
            p.note(s.PIANO, voices[order[i] % len(voices)], beat + i / 2, 0.9, 0.4)
        p.note(s.PIANO, own.bass(36), beat, 3.5, 0.5)
        p.note(s.ROUND_BASS, own.bass(29), beat, 1.9, 0.5)
        p.note(s.ROUND_BASS, own.bass(29), beat + 2.5, 1.4, 0.4)
        if drums:
            snare = "snare" if bar > p.bars // 2 else "rim"
            p.groove(s.ACOUSTIC, bar, {"kick": "x....x..", snare: "..x...x.", "hat": "xoxoxoxo"}, 0.7)
    sing(p, s.ALTO_VOICE, chords, ("x..xx...", "..x.x.x.", "x...x..."), 62, 0.5)


def march(p: Performance) -> None:
    chords = progression(p, POP[p.mode], 2)
    for bar, beat, own, drums in bars(p, chords):
        for i in range(4):
            if i % 2 == 0:
                p.note(s.BRASS, own.bass(33) + (0 if i == 0 else 7), beat + i, 0.6, 0.5)
            strum(p, s.BRASS, own.voiced(55), beat + i + (0.5 if p.bars % 2 else 0.0), 0.3, 0.18)
        if drums:
            roll = "x.oox.oox.ooxoxo" if bar % 2 else "x.xxx.x.x.xxx.x."
            p.groove(s.MARCHING, bar, {"bass drum": "x.x.", "snare": roll})
            if bar % 4 == 0:
                p.hit(s.MARCHING, "cymbals", beat, 0.6)
    sing(p, s.WOODWIND, chords, ("x..xx.x.", "x.x.xxx.", "x...x..x"), 67, 0.45)


def bossa(p: Performance) -> None:
    chords = progression(p, RICH[p.mode], int(p.rng.choice([1, 2])))
    for bar, beat, own, drums in bars(p, chords):
        rhythm = "x.xx.x.." if bar % 2 else "x..x..x."
        for i in range(8):
            if rhythm[i] == "x":
                strum(p, s.NYLON_GUITAR, own.voiced(53), beat + i / 2, 0.8, 0.3)
        for at, fifth in ((0.0, 0), (1.5, 7), (2.0, 7), (3.5, 0)):
            p.note(s.ROUND_BASS, own.bass(29) + fifth, beat + at, 0.5 if at % 1 else 1.3, 0.6)
        if drums:
            rim = "..x..x.." if bar % 2 else "x..x..x."
            p.groove(s.ACOUSTIC, bar, {"kick": "x..xx..x", "rim": rim, "shaker": "xoxoxoxo"}, 0.6)
    sing(p, s.WOODWIND, chords, (".x.x..x.", "x..x..x.", "..x..x.."), 64, 0.45)


def shuffle_blues(p: Performance) -> None:
    chords = progression(p, BLUES if p.mode is Mode.MAJOR else (MINOR_BLUES,))
    cymbal = str(p.rng.choice(["hat", "ride"]))
    for bar, beat, own, drums in bars(p, chords):
        third = own.tones[1] - own.root
        for i, step in enumerate((0, third % 12, 7, 9)):
            p.note(s.UPRIGHT_BASS, own.bass(28) + step, beat + i, 0.9, 0.7)
        for i in range(8):
            strum(
                p, s.STEEL_GUITAR, [own.bass(45), own.bass(45) + (9 if i % 4 in (2, 3) else 7)], beat + i / 2, 0.4, 0.25
            )
        strum(p, s.ORGAN, own.voiced(57), beat + 1, 0.4, 0.12)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x.x.", "snare": ".X.X", cymbal: "xoxoxoxo"})
    sing(p, s.LEAD, chords, ("x.xxx...", "..xx.x..", "x..x...."), 60, 0.35)


def boom_bap(p: Performance) -> None:
    chords = progression(p, RICH[p.mode], 2)
    kick = str(p.rng.choice(["X......x..X.....", "X..x......Xx....", "X.x....x.xX....."]))
    for bar, beat, own, drums in bars(p, chords):
        strum(p, s.PIANO, own.voiced(56), beat + (0.0 if bar % 2 else 0.5), 1.8, 0.25)
        for i in (0.0, 1.75, 2.5):
            p.note(s.ROUND_BASS, own.bass(26), beat + i, 0.7, 0.8)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": kick, "snare": "....X.......X...", "hat": "x.x.x.xox.x.x.xo"})
    sing(p, s.WOODWIND, chords, ("x...........x...", "....x.x........."), 65, 0.25)


def half_time_pop(p: Performance) -> None:
    chords = progression(p, POP[p.mode], int(p.rng.choice([1, 2])))
    kick = str(p.rng.choice(["x.....x.", "x..x....", "x.x....x"]))
    for bar, beat, own, drums in bars(p, chords):
        strum(p, s.PAD, own.voiced(55), beat, 4, 0.25)
        for i in range(8):
            p.note(s.PLUCKED_SYNTH_BASS, own.bass(31), beat + i / 2, 0.4, 0.45)
            p.note(s.ARPEGGIO, own.voiced(67)[i % len(own.tones)], beat + i / 2, 0.4, 0.25)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": kick, "snare": "....X...", "hat": "xxxxxxxx", "clap": "....x..."})
    sing(p, s.ALTO_VOICE, chords, ("x..x..x.", "x...xx..", ".x.x...."), 62, 0.45)


def fingerpicked(p: Performance) -> None:
    chords = progression(p, POP[p.mode])
    for beat, own in ((bar * 4.0, own) for bar, own in enumerate(chords)):
        voices = own.voiced(57)
        for i in range(4):
            p.note(s.STEEL_GUITAR, own.bass(40) + (7 if i % 2 else 0), beat + i, 0.95, 0.6)
            if p.chance(0.9):
                p.note(s.STEEL_GUITAR, voices[int(p.rng.integers(len(voices)))], beat + i + 0.5, 0.9, 0.4)
            if p.chance(0.4):
                p.note(s.STEEL_GUITAR, voices[-1] + 12 * int(p.chance(0.3)), beat + i, 0.9, 0.4)
    if p.chance(0.6):
        sing(p, s.ALTO_VOICE, chords, ("x..xx...", "..x.x.x.", "x...x..."), 60, 0.45)


def disco(p: Performance) -> None:
    chords = progression(p, RICH[p.mode] + POP[p.mode])
    for bar, beat, own, drums in bars(p, chords):
        for i in range(8):
            p.note(s.FINGER_BASS, own.bass(28) + 12 * (i % 2), beat + i / 2, 0.4, 0.7)
        for at in (0.75, 1.5, 2.75, 3.5):
            strum(p, s.NYLON_GUITAR, own.voiced(60), beat + at, 0.2, 0.3)
        strum(p, s.GRAND_STRINGS, own.voiced(64), beat, 4, 0.14)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "XXXX", "snare": ".x.x", "open": ".x.x.x.x", "hat": "x.oxx.oxx.oxx.ox"})
    sing(p, s.ALTO_VOICE, chords, ("x.x.xx..", "x..x.x.x"), 64, 0.4)


def punk(p: Performance) -> None:
    chords = progression(p, POP[p.mode])
    kick = str(p.rng.choice(["x...x...", "x..xx..x", "x...x..x"]))
    for bar, beat, own, drums in bars(p, chords):
        power = [own.bass(40), own.bass(40) + 7]
        for i in range(8):
            strum(p, s.OVERDRIVEN, power, beat + i / 2, 0.4, 0.3)
            p.note(s.FINGER_BASS, own.bass(28), beat + i / 2, 0.45, 0.55)
        if drums and bar % 8 == 7:
            fill(p, s.ACOUSTIC, bar)
        elif drums:
            p.groove(s.ACOUSTIC, bar, {"kick": kick, "snare": "..X...X.", "crash": "o.o.o.o.", "hat": "x.x.x.x."})
    sing(p, s.LEAD, chords, ("x.x.x.x.", "x.xxx...", "x...x.x."), 57, 0.35)


def country_waltz(p: Performance) -> None:
    chords = progression(p, POP[p.mode], int(p.rng.choice([1, 2])))
    for bar, beat, own, drums in bars(p, chords):
        p.note(s.UPRIGHT_BASS, own.bass(28) + (7 if bar % 2 else 0), beat, 0.9, 0.7)
        for i in (1, 2):
            strum(p, s.STEEL_GUITAR, own.voiced(55), beat + i, 0.7, 0.25)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x..", "snare": ".xx", "hat": "xoxoxo"}, 0.6)
    sing(p, s.LEAD, chords, ("x..xx.", "x...x.", "x.x.x."), 64, 0.35)


def slow_six_eight(p: Performance) -> None:
    chords = progression(p, POP[p.mode])
    for bar, beat, own, drums in bars(p, chords):
        for i in range(12):
            strum(p, s.PIANO, own.voiced(58)[1:], beat + i / 3, 0.3, 0.22)
        for i, step in enumerate((0, 0, 7, 0)):
            p.note(s.FINGER_BASS, own.bass(29) + step, beat + i, 0.8, 0.65)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x....xx.....", "snare": "...X.....X..", "hat": "xooxooxooxoo"})
    sing(p, s.ALTO_VOICE, chords, ("x..x..x.x...", "x.....x..x..", "...x.xx....."), 62, 0.45)


def trance(p: Performance) -> None:
    chords = progression(p, POP[p.mode], 2)
    accents = [i for i in range(16) if p.chance(0.5)]
    for bar, beat, own, drums in bars(p, chords):
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
        strum(p, s.PAD, own.voiced(55), beat, 4, 0.16)
        if drums:
            p.groove(s.MACHINE, bar, {"kick": "XXXX", "open": ".x.x.x.x", "clap": ".x.x" if bar % 16 > 7 else "...."})
            for i in range(4):
                p.pump(beat + i)


def soul(p: Performance) -> None:
    chords = progression(p, POP[p.mode] + RICH[p.mode])
    bass = str(p.rng.choice(["x..xx.x.", "x.xx.xx.", "x..x.xx."]))
    for bar, beat, own, drums in bars(p, chords):
        for i in range(8):
            if bass[i] == "x":
                p.note(s.FINGER_BASS, own.bass(28) + int(p.rng.choice([0, 0, 7, 12])), beat + i / 2, 0.45, 0.75)
        for at in (0.0, 2.5):
            strum(p, s.BRASS, own.voiced(58), beat + at, 0.5, 0.16)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x..xx...", "snare": "xxxx", "tambourine": "xxxxxxxx"})
    sing(p, s.ALTO_VOICE, chords, ("x.xx.x..", "..x.x.xx", "x..x...."), 64, 0.5)


def train_beat(p: Performance) -> None:
    chords = progression(p, POP[p.mode], 2)
    for bar, beat, own, drums in bars(p, chords):
        for i, step in ((0, 0), (2, 7)):
            p.note(s.UPRIGHT_BASS, own.bass(28) + step, beat + i, 0.9, 0.75)
        for i in (1, 3):
            strum(p, s.STEEL_GUITAR, own.voiced(55), beat + i, 0.45, 0.28)
        if drums:
            p.groove(s.ACOUSTIC, bar, {"kick": "x.x.", "brush": "xoXoxoXoxoXoxoXx", "snare": "..o...o...o...o."}, 0.8)
    sing(p, s.STEEL_GUITAR, chords, ("x.xxx.x.", "xxx.x...", "x...x.xx"), 62, 0.5)
