"""What the tuning styles have in common: progressions, when drums play, fills, and how a melody goes."""

from collections.abc import Iterator, Sequence

from audio.synthesis.drum_sounds import Kit
from audio.synthesis.harmony import Chord, chord, melody_notes, nearest
from audio.synthesis.performance import Performance
from audio.synthesis.tones import Timbre
from core.audio import Mode

#: Only loops whose key musicians would agree on: none that is as well one of the relative key.
POP = {
    Mode.MAJOR: ("I V vi IV", "I vi IV V", "I IV V IV", "I iii IV V", "I IV I V", "I IV ii V", "I bVII IV I"),
    Mode.MINOR: ("i bVI bVII i", "i iv V7 i", "i bVII bVI V", "i iv i V", "i bVI iv V", "i v bVI bVII"),
}
RICH = {
    Mode.MAJOR: ("Imaj7 vi7 ii7 V7", "Imaj7 IVmaj7 ii7 V7", "Imaj7 II7 ii7 V7", "IVmaj7 iv6 Imaj7 V7"),
    Mode.MINOR: ("i7 iv7 iim7b5 V7", "i9 iv9 bVImaj7 V7", "i7 bVII7 bVImaj7 V7", "i6 iim7b5 V7 i6"),
}
BLUES = ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7")
MINOR_BLUES = "i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7"


def progression(p: Performance, choices: Sequence[str], bars_per_chord: int = 1) -> list[Chord]:
    """A chord for every bar."""
    loop = [chord(numeral, p.key_root) for numeral in str(p.rng.choice(choices)).split()]
    return [loop[bar // bars_per_chord % len(loop)] for bar in range(p.bars)]


def bars(p: Performance, chords: list[Chord]) -> Iterator[tuple[int, float, Chord, bool]]:
    """Bars with their first beat, chord, and whether drums play: often not at first, sometimes not for two bars."""
    silent = set(range(int(p.rng.integers(1, 5)))) if p.chance(0.35) else set()
    if p.chance(0.25):
        start = int(p.rng.integers(4, max(p.bars, 5)))
        silent |= {start, start + 1}
    for bar in range(p.bars):
        yield bar, float(bar * p.beats_per_bar), chords[bar], bar not in silent


def strum(p: Performance, timbre: Timbre, notes: Sequence[int], beat: float, beats: float, velocity: float) -> None:
    """Strike the notes together."""
    for note in notes:
        p.note(timbre, note, beat, beats, velocity)


def sing(
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


def fill(p: Performance, kit: Kit, bar: int) -> None:
    """A bar that leads over to the next part."""
    p.groove(kit, bar, {"snare": "........x.xx", "tom": "...........x", "kick": "x..."} if p.beats_per_bar == 3 else
             {"kick": "x...x...", "snare": "....x...xoxxx...", "tom": ".............xxx"})  # fmt: skip
