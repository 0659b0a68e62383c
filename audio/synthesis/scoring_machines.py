"""How the scoring styles without a band are played: electronic music, and soloists."""

from audio.synthesis import scoring_sounds as s
from audio.synthesis.performance import Performance
from audio.synthesis.scoring_songs import layers, loop, motif_line, play_chord
from core.audio import Mode

_DARK = ("i i bVI bVII", "i bVI iv V7", "i i iv bVI", "i bVII i bVI")
_BRIGHT = ("I V vi IV", "I IV I V", "I iii IV iv", "I I vi IV")
_SLOW = {
    Mode.MAJOR: ("Imaj7 iii7 IVmaj7 iv6", "ii7 V7 Imaj7 vi7", "IVmaj7 iii7 ii7 Imaj7"),
    Mode.MINOR: ("i7 bVImaj7 iv7 V7", "i9 iv9 bVII7 bIIImaj7", "bVImaj7 v7 i7 i7"),
}
_CLASSICAL = {
    Mode.MAJOR: ["I", "V", "I", "IV", "I", "V7", "I", "I", "vi", "ii", "V", "I", "IV", "I", "V7", "I"],
    Mode.MINOR: ["i", "V7", "i", "iv", "i", "V7", "i", "i", "bVI", "iv", "V7", "i", "bIII", "iv", "V7", "i"],
}


def _loops(p: Performance) -> tuple[str, ...]:
    return _DARK if p.mode is Mode.MINOR else _BRIGHT


def trap(p: Performance) -> None:
    """Counted by the hi-hat's eighths: snare on 3 only, rolls on the hats, a long sub bass with the kick."""
    chords = loop(p, _loops(p), float(p.rng.choice([1, 2])))
    places = str(p.rng.choice(["x......x..x.....", "x.....x.......x.", "x..x......x....."]))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        for i in range(8):
            p.note(s.BELLS, own.voiced(67)[(i * 3) % len(own.tones)], beat + i / 2, 0.45, 0.3 if i % 3 else 0.0)
        play_chord(p, s.COLD_PAD, own.voiced(55), beat, 4, 0.12)
        if not density:
            continue
        for i in range(16):
            if places[i] == "x":
                p.hit(s.ELECTRONIC, "deep", beat + i / 4, 0.9)
                p.note(s.SUB, own.bass(26), beat + i / 4, 1.4, 0.7)
        p.groove(s.ELECTRONIC, bar, {"clap": "..X.", "snare": "..x."}, 0.9)
        hats = "xxxxxxxx"
        for i in range(8 if density == 2 else 4):
            step = i * (4 / len(hats)) if density == 2 else float(i)
            for n in range(rolls := int(p.rng.choice([1, 1, 1, 1, 2, 3])) if density == 2 else 1):
                p.hit(s.ELECTRONIC, "hat", beat + step + n * 0.5 / rolls, 0.5)
    motif_line(p, s.TENOR_VOICE, chords, 57, 0.35, 8, 0.35)


def dubstep(p: Performance) -> None:
    """As its producers set it, near 140: kick on 1, snare on 3, a bass that wobbles in triplets or eighths."""
    chords = loop(p, _loops(p), float(p.rng.choice([1, 2])))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        division = int(p.rng.choice([2, 3, 4]))
        for i in range(2 * division):
            p.note(s.WOBBLE, own.bass(28) + 12 * int(p.chance(0.15)), beat + i * 2 / division, 1.6 / division, 0.55)
        play_chord(p, s.COLD_PAD, own.voiced(58), beat, 4, 0.16)
        if density:
            kick = "X.....x........." if bar % 2 else "X.........x..x.."
            p.groove(s.ELECTRONIC, bar, {"kick": kick, "snare": "..X.", "clap": "..x."})
        if density == 2:
            p.groove(s.ELECTRONIC, bar, {"hat": "..x...x...x..xx.", "rim": "......o......o.."}, 0.6)
    motif_line(p, s.BELLS, chords, 67, 0.2, 8, 0.25)


def techno(p: Performance) -> None:
    """Kick on every beat, hi-hat between, ride on eighths; one chord as a riff that does not fit the bar."""
    chords = loop(p, ("i i i i", "i i i bVI") if p.mode is Mode.MINOR else ("I I I I", "I I I IV"), 4)
    period = int(p.rng.choice([3, 5, 6, 7]))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        for i in range(16):
            if (bar * 16 + i) % period == 0:
                play_chord(p, s.HOOVER, own.voiced(52), beat + i / 4, 0.25, 0.2)
            if i % 4 == 2 or p.chance(0.15):
                p.note(s.PICK_BASS, own.bass(26), beat + i / 4, 0.22, 0.5)
        if bar % 2 == 0:
            play_chord(p, s.COLD_PAD, own.voiced(60), beat, 8, 0.08)
        if density:
            p.groove(s.ELECTRONIC, bar, {"kick": "XXXX", "open": ".x.x.x.x"})
        if density == 2:
            p.groove(
                s.ELECTRONIC, bar, {"hat": "xxoxxxoxxxoxxxox", "ride": "x.x.x.x.", "clap": "...x...x........"}, 0.6
            )
            for i in range(4):
                p.pump(beat + i)


def drum_and_bass(p: Performance) -> None:
    """A broken beat near 174: kick on 1 and after 3, snare on 2 and 4, sixteenths between; slow chords."""
    chords = loop(p, _loops(p) + _SLOW[p.mode], 2)
    kick = str(p.rng.choice(["X.........x.....", "X.x.......x.....", "X.........xx...."]))
    for bar, density in layers(p):
        beat, own = bar * 4.0, chords[bar][0]
        play_chord(p, s.COLD_PAD, own.voiced(57), beat, 4, 0.2)
        for at, length in ((0.0, 1.5), (1.75, 0.6), (2.5, 1.3)):
            p.note(s.REESE, own.bass(29), beat + at, length, 0.5)
        if density:
            p.groove(s.BREAK, bar, {"kick": kick, "snare": "....X.......X..."})
        if density == 2:
            ghosts = ".......x.x.....x" if bar % 2 else ".......x.x......"
            p.groove(s.BREAK, bar, {"ghost": ghosts, "ride": "x.x.x.x.x.x.x.x."}, 0.6)
    motif_line(p, s.RHODES, chords, 64, 0.3, 8, 0.25)


def slow_jam(p: Performance) -> None:
    """Rhythm and blues at a walk: sixteenths on the hi-hat, snare on 2 and 4, electric piano."""
    chords = loop(p, _SLOW[p.mode], float(p.rng.choice([0.5, 1])))
    kick = str(p.rng.choice(["x......x..x.....", "x..x......x....x", "x.....x.x......."]))
    for bar, density in layers(p):
        for half, own in enumerate(chords[bar]):
            beat, length = bar * 4.0 + half * 4 / len(chords[bar]), 4 / len(chords[bar])
            play_chord(p, s.RHODES, own.voiced(56), beat, length * 0.9, 0.3)
            play_chord(p, s.RHODES, own.voiced(56)[1:], beat + length * 0.625, 0.5, 0.2)
            p.note(s.SUB, own.bass(28), beat, length * 0.45, 0.8)
            p.note(s.SUB, own.bass(28) + 7, beat + length * 0.6875, length * 0.2, 0.6)
        if density:
            p.groove(s.ELECTRONIC, bar, {"kick": kick, "snare": ".X.X"}, 0.8)
        if density == 2:
            p.groove(s.ELECTRONIC, bar, {"hat": "xoxoxoxoxoxoxoxx", "rim": "...o..o......o.."}, 0.6)
    motif_line(p, s.TENOR_VOICE, chords, 60, 0.5, 16, 0.25)


def solo_piano(p: Performance) -> None:
    """Broken chords in eighths or triplets in the left hand, a tune in the right; the player breathes."""
    chords = loop(p, (" ".join(_CLASSICAL[p.mode]),))
    per_beat = int(p.rng.choice([2, 2, 3]))
    order = (0, 2, 1, 2) if per_beat == 2 else (0, 1, 2)
    for bar in range(p.bars):
        beat, own = bar * 4.0, chords[bar][0]
        voices = own.voiced(48)
        for i in range(4 * per_beat):
            accent = 0.5 if i == 0 else 0.38
            p.note(s.GRAND, voices[order[i % len(order)]], beat + i / per_beat, 1.2 / per_beat, accent)
        if bar % 2 == 0:
            p.note(s.GRAND, own.bass(36), beat, 3.0, 0.45)
    motif_line(p, s.GRAND, chords, 67, 0.6, 8, 0.3)


def string_ensemble(p: Performance) -> None:
    """Bowed eighths below, long chords, a tune of the violins; basses are plucked on 1 and 3."""
    chords = loop(p, (" ".join(_CLASSICAL[p.mode]),), float(p.rng.choice([0.5, 1])))
    for bar in range(p.bars):
        for half, own in enumerate(chords[bar]):
            length = 4 / len(chords[bar])
            beat = bar * 4.0 + half * length
            for i in range(int(length * 2)):
                p.note(s.BOWED, own.voiced(50)[0], beat + i / 2, 0.4, 0.35 if i % 2 == 0 else 0.25)
            play_chord(p, s.BOWED, own.voiced(57), beat, length * 0.95, 0.16)
            for at in range(0, int(length), 2):
                p.note(s.PLUCKED_STRINGS, own.bass(36), beat + at, 1.0, 0.7)
    motif_line(p, s.BOWED, chords, 67, 0.5, 8, 0.35)
