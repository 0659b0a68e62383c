"""Rows of playlists and event files that cannot be imported: why, and the file that tells the person."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.durable_files import replacing

REASONS: dict[str, str] = {
    "blank-artist": "The row names no artist.",
    "blank-title": "The row names no title.",
    "too-long": "A text is longer than the limit.",
    "undecodable": "A text holds bytes or characters that are no valid Unicode.",
    "nul-character": "A text holds a NUL character.",
    "bad-number": "A number, date or duration cannot be read.",
    "out-of-range": "A number is outside the range its column can have.",
    "bad-flag": "A yes/no column holds something else.",
    "bad-value": "A value has a type its column cannot have.",
    "too-many-cells": "The row has more cells than the header.",
    "broken-quote": "A quoted cell is never closed, or goes on after its closing quote.",
    "not-an-object": "The element is not an object with an artist and a title.",
    "unknown-track": "The row names a track that is not in the library.",
    "duplicate": "The same track stands further up; this row only filled what was missing there.",
}

MAX_DETAIL_VALUE = 80
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not imported as a track of its own."""

    line: int  #: Physical line where the row starts; in JSON the 1-based index of the element.
    reason: str  #: A key of `REASONS`.
    detail: str  #: A sentence for people that names the offending value.
    text: str  #: The row itself, shortened to `MAX_TEXT` characters.


class RowError(Exception):
    """Raised while a row is read; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def shorten(text: str, length: int = MAX_DETAIL_VALUE) -> str:
    """At most `length` printable characters on one line, an ellipsis standing for the rest."""
    # Cut first: cleaning a cell of 100,000 characters to show 80 of them would be wasted work.
    text = "".join(char if char.isprintable() else " " for char in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def preview(source: object) -> str:
    """A row as a person would recognize it: the cells of a CSV row, the fields of a JSON object, or the line itself."""
    if isinstance(source, list):
        parts = [str(cell)[:MAX_TEXT] for cell in source[:MAX_TEXT]]
    elif isinstance(source, dict):
        parts = [f"{name}: {value}" for name, value in source.items() if isinstance(value, str | int | float)]
    else:
        parts = [source if isinstance(source, str) else type(source).__name__]
    return shorten(",".join(parts), MAX_TEXT)


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write the rejects as UTF-8 CSV; a reader of `path` sees the old file or the whole new one."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "reason", "detail", "text"))
        writer.writerows((reject.line, reject.reason, reject.detail, reject.text) for reject in rejects)
