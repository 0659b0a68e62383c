"""Real recordings, and what is known of their tempo and key."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import PermanentError
from services.audio_evaluation.hearing import HeardFile
from services.audio_evaluation.measures import PRECISE, TOLERANCE, tempo_right

LABELS = "ground_truth.csv"
_SUFFIXES = {".mp3", ".ogg", ".oga", ".opus", ".flac", ".wav", ".aiff", ".m4a", ".aac"}
_SURE = {"strong", "medium"}


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a recording: its tempo or tempi, how surely, and its key in words."""

    bpms: tuple[float, ...] = ()
    strength: str = ""  #: The first word of the column `bpm_strength`
    key: str = ""

    @property
    def better(self) -> bool:
        """Whether one tempo is known, and well."""
        return len(self.bpms) == 1 and self.strength in _SURE


@dataclass(frozen=True, slots=True)
class Song:
    """A real recording, its label, what was heard and what of it is right."""

    file: str
    label: Label
    better: bool
    heard: HeardFile
    right: dict[str, bool]  #: Within 4 %, octave included, by method; empty where no tempo is known
    precise: dict[str, bool]  #: The same within .2 %


def read_labels(folder: Path) -> dict[str, Label]:
    """Labels by file, relative to the folder; none where it has no `ground_truth.csv`.

    Raises
    ------
    PermanentError
        `invalid-option`: the table lacks a column.
    """
    path = folder / LABELS
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"file", "bpm", "bpm_strength", "key"} - set(reader.fieldnames or ())
        if missing:
            raise PermanentError("invalid-option", f"{path} lacks the columns {', '.join(sorted(missing))}.")
        return {row["file"]: _label(row) for row in reader}


def _label(row: dict[str, str]) -> Label:
    bpms = tuple(float(text) for text in re.findall(r"\d+(?:\.\d+)?", row["bpm"] or ""))
    words = (row["bpm_strength"] or "").split()
    return Label(tuple(bpm for bpm in bpms if bpm > 0), words[0] if words else "", row["key"] or "")


def find_songs(folder: Path) -> list[Path]:
    """Audio files in a folder and below, in the order of their names.

    Raises
    ------
    PermanentError
        `file-not-found`: there is no such folder.
    """
    if not folder.is_dir():
        raise PermanentError("file-not-found", f"There is no folder {folder}.")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())


def judged(heard: HeardFile, folder: Path, labels: dict[str, Label]) -> Song:
    """Hold what was heard against the label."""
    name = heard.path.relative_to(folder).as_posix()
    label = labels.get(name, Label())
    methods = {"ours": heard.ours, "librosa": heard.yardstick}
    known = {method: own for method, own in methods.items() if own is not None} if label.bpms else {}
    right, precise = (
        {method: tempo_right(own.bpm, label.bpms, tolerance, octaves=False) for method, own in known.items()}
        for tolerance in (TOLERANCE, PRECISE)
    )
    return Song(name, label, label.better, heard, right, precise)


def codec_groups(songs: list[Song]) -> list[list[Song]]:
    """Recordings that are there in several formats, under one name."""
    groups: dict[str, list[Song]] = {}
    for song in songs:
        groups.setdefault(str(Path(song.file).with_suffix("")), []).append(song)
    return [group for group in groups.values() if len(group) > 1]
