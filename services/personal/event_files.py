"""Read files of events, CSV or JSON Lines, one event a line, without holding more than a line."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from core.errors import PermanentError
from services.personal.events import InteractionEvent
from services.personal.interactions import NamedEvent
from services.playlists.rejects import Reject, RowError, preview

_DELIMITERS = ",;\t"
# Several times what the longest event takes.
_MAX_LINE_BYTES = 65_536
_FIELDS = tuple(InteractionEvent.model_fields)
_REQUIRED = ("event_id", "user_id", "kind", "occurred_at")
_TRACKS = ("track_id", "spotify_id")


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of events whose format is known."""

    path: Path
    columns: tuple[str, ...] | None  #: `None` for JSON Lines.
    delimiter: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class EventLine:
    """A line that is not blank."""

    line: int  #: From 1.
    end: int  #: How many bytes of the file are read by its end.
    text: str
    event: NamedEvent | Reject


def open_events(path: Path) -> EventFile:
    """Look at the first line of a file.

    Raises
    ------
    PermanentError
        `file-not-found`, `file-empty`, or `invalid-option` for a file that is no list of events; the message says why.
    """
    try:
        if not path.is_file():
            raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
        size = path.stat().st_size
        with path.open("rb") as file:
            first = next((line for _, _, line in _lines(file) if line.strip()), b"")
    except OSError as error:
        raise PermanentError("file-not-found", f"{path} cannot be read: {error.strerror}.") from None
    if not first:
        raise PermanentError("file-empty", f"{path} is empty.")
    header = _decoded(first, path).strip()
    if header.startswith("["):
        raise _unusable(path, "is one JSON list; write one event a line (JSON Lines)")
    if header.startswith("{"):
        return EventFile(path, None, "", size)
    delimiter = max(_DELIMITERS, key=header.count)
    return EventFile(path, _columns(path, header, delimiter), delimiter, size)


def read_events(file: EventFile) -> Iterator[EventLine]:
    """Every line with its event, or why it has none.

    Raises
    ------
    PermanentError
        `file-not-found`: the file cannot be read any further.
    """
    parse = _parse_json if file.columns is None else _csv_parser(file.columns, file.delimiter)
    header = file.columns is not None
    try:
        with file.path.open("rb") as opened:
            for number, end, raw in _lines(opened):
                if not raw.strip():
                    continue
                if header:
                    header = False
                    continue
                yield _read(number, end, raw, parse)
    except OSError as error:
        raise PermanentError("file-not-found", f"{file.path} cannot be read: {error.strerror}.") from None


def _read(number: int, end: int, raw: bytes, parse: Callable[[str], InteractionEvent]) -> EventLine:
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
    try:
        if len(raw) > _MAX_LINE_BYTES:
            raise RowError("too-long", f"The line has more than {_MAX_LINE_BYTES} bytes.")
        return EventLine(number, end, text, parse(text).named())
    except ValidationError as error:
        reason, detail = "bad-value", _told(error)
    except csv.Error:
        reason, detail = "broken-quote", "A quoted cell is not closed, or goes on after its closing quote."
    except RowError as error:
        reason, detail = error.reason, error.detail
    return EventLine(number, end, text, Reject(number, reason, detail, preview(text)))


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Number, end and bytes of each line; of one that is too long, the beginning."""
    number = end = 0
    while piece := file.readline(_MAX_LINE_BYTES + 1):
        number, end = number + 1, end + len(piece)
        rest = piece
        while len(rest) > _MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(_MAX_LINE_BYTES + 1)
            end += len(rest)
        yield number, end, piece


def _parse_json(text: str) -> InteractionEvent:
    return InteractionEvent.model_validate_json(text)


def _csv_parser(columns: tuple[str, ...], delimiter: str) -> Callable[[str], InteractionEvent]:
    def parse(text: str) -> InteractionEvent:
        # Each line by itself: a quote that is never closed spoils no other.
        [cells] = csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True)
        if len(cells) > len(columns):
            raise RowError("too-many-cells", f"The row has {len(cells)} cells under {len(columns)} columns.")
        named = zip(columns, map(str.strip, cells), strict=False)
        return InteractionEvent.model_validate({name: cell for name, cell in named if cell})

    return parse


def _columns(path: Path, header: str, delimiter: str) -> tuple[str, ...]:
    try:
        [cells] = csv.reader([header], delimiter=delimiter, strict=True, skipinitialspace=True)
    except csv.Error:
        raise _unusable(path, "has a first line with a broken quote") from None
    columns = tuple(cell.strip().lower() for cell in cells)
    needed = [*_REQUIRED, *([] if set(columns) & set(_TRACKS) else [" or ".join(_TRACKS)])]
    problems = {
        "lacks the column": [name for name in needed if name not in columns],
        "has a column that no event has:": [name for name in columns if name not in _FIELDS],
        "has twice the column": [name for name in _FIELDS if columns.count(name) > 1],
    }
    for problem, names in problems.items():
        if names:
            raise _unusable(path, f"{problem} {preview(', '.join(names))}")
    return columns


def _decoded(first: bytes, path: Path) -> str:
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _unusable(path, "is not text in UTF-8")
    return text


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}." if place else f"{first['msg']}."


def _unusable(path: Path, reason: str) -> PermanentError:
    return PermanentError(
        "invalid-option",
        f"{path} {reason}. Use CSV with the columns {', '.join(_FIELDS)}, or JSON Lines with these names.",
    )
