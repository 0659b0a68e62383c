"""CSV with comma, semicolon or tab: headers, records with their physical lines, and repair after a broken quote."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from core.errors import PermanentError
from services.playlists.columns import REQUIRED, is_exportify, match_columns
from services.playlists.rejects import Reject, preview, shorten
from services.playlists.rows import RawRow

DELIMITERS = (",", ";", "\t")
# A quoted cell rarely spans lines; one that spans this many was never closed.
MAX_RECORD_LINES = 100
_MAX_HEADER_LENGTH = 65_536
# A blank line, or Excel's own first line that tells the delimiter.
_NO_HEADER = re.compile(r'(?:"?sep=.?"?)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV text whose header has been understood."""

    lines: list[str]  #: Physical lines with their ends.
    delimiter: str
    headers: list[str]
    header_line: int  #: Index into `lines`.

    @property
    def format(self) -> str:
        """`exportify-csv` or `csv`."""
        return "exportify-csv" if is_exportify(self.headers) else "csv"

    def rows(self) -> Iterator[RawRow | Reject]:
        """Every row below the header that is not blank."""
        columns = match_columns(self.headers)
        names, pick = tuple(columns), itemgetter(*columns.values())
        width = len(self.headers)
        for line, cells in self._records():
            if isinstance(cells, Reject):
                yield cells
                continue
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            elif len(cells) > width and any(cells[width:]):
                yield _too_many(line, cells, width)
                continue
            fields = dict(zip(names, pick(cells), strict=True))
            if fields["title"] or fields["artist"] or any(cell.strip() for cell in cells):
                yield RawRow(line, fields, cells)

    def semicolons_separate_artists(self) -> bool:
        """Whether any artist cell holds a semicolon."""
        if not any(";" in line for line in self.lines):
            return False
        position = match_columns(self.headers)["artist"]
        records = (cells for _, cells in self._records() if not isinstance(cells, Reject))
        return any(";" in cells[position] for cells in records if len(cells) > position)

    def _records(self) -> Iterator[tuple[int, list[str] | Reject]]:
        """Records with the 1-based line they start at; after a broken quote reading resumes on the next line."""
        start = self.header_line + 1
        while start < len(self.lines):
            feed = _Feed(self.lines, start)
            try:
                for cells in csv.reader(feed, delimiter=self.delimiter, strict=True, skipinitialspace=True):
                    if cells:
                        yield feed.record_start + 1, cells
                    feed.record_start = feed.position
                return
            except csv.Error as error:
                start = feed.record_start
                yield start + 1, _broken(start + 1, self.lines[start], error)
                start += 1


class _Feed:
    """Physical lines for a `csv.reader`; stops a record that swallows the file through an unclosed quote."""

    def __init__(self, lines: list[str], start: int) -> None:
        self.lines = lines
        self.position = start
        self.record_start = start

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.position >= len(self.lines):
            raise StopIteration
        if self.position - self.record_start >= MAX_RECORD_LINES:
            raise csv.Error("unexpected end of data")
        self.position += 1
        return self.lines[self.position - 1]


def open_table(text: str, filename: str) -> Table:
    """Find the header and the delimiter.

    Raises
    ------
    PermanentError
        `file-not-a-playlist` where no delimiter gives a header with an artist and a title column.
    """
    lines = list(io.StringIO(text, newline=""))
    header_line, header = next(
        ((index, line) for index, line in enumerate(lines) if not _NO_HEADER.fullmatch(line.strip())), (0, "")
    )
    candidates = [(delimiter, _split_header(header, delimiter)) for delimiter in DELIMITERS]
    delimiter, headers = max(candidates, key=lambda candidate: (len(match_columns(candidate[1])), len(candidate[1])))
    if not match_columns(headers).keys() >= set(REQUIRED):
        raise _wrong_columns(filename, headers)
    return Table(lines, delimiter, headers, header_line)


def _split_header(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line[:_MAX_HEADER_LENGTH]], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        return []


def _wrong_columns(filename: str, headers: list[str]) -> PermanentError:
    found = ", ".join(repr(shorten(header, 30)) for header in headers[:12]) or "none"
    return PermanentError(
        "file-not-a-playlist",
        f"{filename} has no artist and title columns. Columns found: {found}. Needed: 'artist' and 'title', or"
        " 'Artist Name(s)' and 'Track Name' as Exportify writes them, separated by comma, semicolon or tab.",
    )


def _too_many(line: int, cells: list[str], width: int) -> Reject:
    detail = f"The row has {len(cells)} cells under {width} columns; a text with the delimiter inside needs quotes."
    return Reject(line, "too-many-cells", detail, preview(cells))


def _broken(line: int, text: str, error: csv.Error) -> Reject:
    if "field limit" in str(error):
        detail = f"A cell is longer than {csv.field_size_limit()} characters."
        return Reject(line, "too-long", detail, preview(text))
    detail = "A quoted cell is not closed, or goes on after its closing quote."
    return Reject(line, "broken-quote", detail, preview(text))
