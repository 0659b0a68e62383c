"""Keys, scales and chords, by the Roman numerals of functional harmony."""

import re
from dataclasses import dataclass

from core.audio import Mode

_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_NUMERAL = re.compile(r"(b|#)?([IViv]+)(maj7|m7b5|dim|sus4|7|6|9|5)?")
_SCALES = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True, slots=True)
class Chord:
    """Pitch classes of a chord, the root first."""

    root: int
    tones: tuple[int, ...]

    def voiced(self, lowest: int) -> list[int]:
        """MIDI notes, each at most an octave above `lowest`, which moves voices little from chord to chord."""
        return sorted(lowest + (tone - lowest) % 12 for tone in self.tones)

    def bass(self, lowest: int) -> int:
        """The root as the first MIDI note from `lowest` up."""
        return lowest + (self.root - lowest) % 12


def chord(numeral: str, key_root: int) -> Chord:
    """A chord by its numeral, counted from the major scale in either mode: `I`, `vi7`, `bVII`, `V7`, `iim7b5`.

    `7` adds a minor seventh, `maj7` a major one; lower case is minor; `5` leaves the third out.
    """
    match = _NUMERAL.fullmatch(numeral)
    if match is None:
        raise ValueError(f"{numeral} is no Roman numeral")
    accidental, name, kind = match.groups()
    root = key_root + _DEGREES[name.upper()] + {"b": -1, "#": 1}.get(accidental or "", 0)
    third = 4 if name.isupper() else 3
    tones = {
        "maj7": (0, third, 7, 11),
        "m7b5": (0, 3, 6, 10),
        "dim": (0, 3, 6),
        "sus4": (0, 5, 7),
        "7": (0, third, 7, 10),
        "6": (0, third, 7, 9),
        "9": (0, third, 10, 14),
        "5": (0, 7),
    }.get(kind or "", (0, third, 7))
    return Chord(root % 12, tuple((root + tone) % 12 for tone in tones))


def melody_notes(key_root: int, mode: Mode, own: Chord, lowest: int, highest: int, *, strong: bool) -> list[int]:
    """MIDI notes that fit a chord: on strong places those of the tonic triad that it has, or else its own.

    Elsewhere all of the scale, too. Melodies of songs hold on to the tonic triad while chords change under them
    (Temperley, The melodic-harmonic "divorce" in rock, Popular Music 2007).

    Notes of the scale that lie a semitone below a tone of the chord that is foreign to it are left out, such as the
    natural seventh of the minor scale over a dominant.
    """
    scale = {(key_root + step) % 12 for step in _SCALES[mode]}
    tones = set(own.tones)
    triad = {(key_root + step) % 12 for step in (0, 4 if mode is Mode.MAJOR else 3, 7)}
    fitting = (
        (tones & triad or tones) if strong else tones | {step for step in scale if (step + 1) % 12 not in tones - scale}
    )
    return [note for note in range(lowest, highest + 1) if note % 12 in fitting]


def nearest(notes: list[int], wanted: float) -> int:
    """The note next to a wanted height."""
    return min(notes, key=lambda note: abs(note - wanted))
