"""What an evaluation of tempo and key found, and the JSON document that holds it.

`report.json`, format version 1; figures have six significant digits, `null` is a figure that is not defined:

- `format_version`, `created` (ISO date), `command`, `seed`, `n_per_style`, `seconds` (length of a piece)
- `families`: list of `Family`, field by field, with every piece
- `songs`: list of `songs.Song`
- `timings`: list of `Timing`
- `yardstick`: name and version of the yardstick, or why there is none
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audio.synthesis.piece import SECONDS, Style
from services.audio_evaluation.hearing import HeardPiece
from services.audio_evaluation.listening import Heard
from services.audio_evaluation.measures import (
    PRECISE,
    TOLERANCE,
    Calibration,
    Figure,
    calibration,
    mean,
    mirex_score,
    share,
    tempo_right,
)
from services.audio_evaluation.songs import Song
from services.report_files import plain

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Scores:
    """One method on some pieces."""

    accuracy_1: Figure  #: Tempo within 4 %, octave included
    accuracy_2: Figure  #: Within 4 % of the tempo, its double, half, triple or third
    precise: Figure  #: Within .2 %, octave included
    precise_any_octave: Figure  #: Within .2 % of the tempo, its double, half, triple or third
    key_exact: Figure
    key_mirex: Figure
    beats: Figure  #: F-measure within 70 ms


@dataclass(frozen=True, slots=True)
class StyleScores:
    """The pieces of one style."""

    style: str
    tactus: str
    slowest_bpm: float
    fastest_bpm: float
    ours: Scores
    yardstick: Scores | None


@dataclass(frozen=True, slots=True)
class Family:
    """All pieces of a family of styles."""

    name: str
    ours: Scores
    yardstick: Scores | None
    styles: list[StyleScores]
    tempo_calibration: Calibration | None
    key_calibration: Calibration | None
    pieces: list[HeardPiece]


@dataclass(frozen=True, slots=True)
class Timing:
    """Median seconds for one piece, on one core while others work beside it."""

    method: str
    tempo_seconds: float
    key_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the files of a report are made from."""

    created: str  #: ISO date
    command: str
    seed: int
    n_per_style: int
    yardstick: str
    families: list[Family]
    songs: list[Song]

    @property
    def judged(self) -> Family:
        """The family that nothing was fitted to."""
        return self.families[0]

    @property
    def timings(self) -> list[Timing]:
        """Of the judged family."""
        pieces = self.judged.pieces
        found = [("ours", [piece.ours for piece in pieces])]
        found.append(("librosa", [piece.yardstick for piece in pieces if piece.yardstick is not None]))
        return [
            Timing(
                method,
                statistics.median(own.tempo_seconds for own in heard),
                statistics.median(own.key_seconds for own in heard),
            )
            for method, heard in found
            if heard
        ]

    def to_json(self) -> str:
        """The content of `report.json`."""
        document = {
            "format_version": FORMAT_VERSION,
            "created": self.created,
            "command": self.command,
            "seed": self.seed,
            "n_per_style": self.n_per_style,
            "seconds": SECONDS,
            "yardstick": self.yardstick,
            "families": [asdict(family) for family in self.families],
            "songs": [asdict(song) for song in self.songs],
            "timings": [asdict(timing) for timing in self.timings],
        }
        # Hundreds of pieces: a line for each value would make it twice as large.
        return json.dumps(plain(_named(document)), ensure_ascii=False, allow_nan=False) + "\n"


def family(name: str, styles: dict[str, Style], pieces: list[HeardPiece]) -> Family:
    """All figures of a family."""
    heard = [piece.ours for piece in pieces]
    right = [_right(piece, piece.ours, octaves=False) for piece in pieces]
    octave = [not r and _right(piece, piece.ours, octaves=True) for piece, r in zip(pieces, right, strict=True)]
    sounding = [style for style in styles.values() if any(piece.style == style.name for piece in pieces)]
    return Family(
        name=name,
        ours=_ours(pieces),
        yardstick=_yardstick(pieces),
        styles=[_style(style, [piece for piece in pieces if piece.style == style.name]) for style in sounding],
        tempo_calibration=calibration([own.tempo_confidence or 0.0 for own in heard], right, octave),
        key_calibration=calibration(
            [own.key_confidence or 0.0 for own in heard], [piece.ours.key == piece.key for piece in pieces]
        ),
        pieces=pieces,
    )


def _style(style: Style, pieces: list[HeardPiece]) -> StyleScores:
    return StyleScores(
        style.name, style.tactus, style.slowest_bpm, style.fastest_bpm, _ours(pieces), _yardstick(pieces)
    )


def _ours(pieces: Sequence[HeardPiece]) -> Scores:
    return _scores(pieces, lambda piece: piece.ours, [piece.beats_f for piece in pieces])


def _yardstick(pieces: Sequence[HeardPiece]) -> Scores | None:
    with_it = [piece for piece in pieces if piece.yardstick is not None]
    if not with_it:
        return None
    return _scores(with_it, lambda piece: piece.yardstick, [piece.yardstick_beats_f or 0.0 for piece in with_it])


def _scores(
    pieces: Sequence[HeardPiece], heard: "Callable[[HeardPiece], Heard | None]", beats: Sequence[float]
) -> Scores:
    def tempo(tolerance: float, *, octaves: bool) -> Figure:
        return share([_right(piece, heard(piece), tolerance, octaves=octaves) for piece in pieces])

    keys = [(own.key if (own := heard(piece)) else None, piece.key) for piece in pieces]
    return Scores(
        accuracy_1=tempo(TOLERANCE, octaves=False),
        accuracy_2=tempo(TOLERANCE, octaves=True),
        precise=tempo(PRECISE, octaves=False),
        precise_any_octave=tempo(PRECISE, octaves=True),
        key_exact=share([key == truth for key, truth in keys]),
        key_mirex=mean([mirex_score(key, truth) for key, truth in keys]),
        beats=mean(beats),
    )


def _right(piece: HeardPiece, heard: Heard | None, tolerance: float = TOLERANCE, *, octaves: bool) -> bool:
    return tempo_right(heard.bpm if heard else None, [piece.bpm], tolerance, octaves=octaves)


def _named(value: Any) -> Any:
    """Paths by their names: the folders of a machine are nobody's business."""
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    return value.name if isinstance(value, Path) else value
