"""Read files of known recordings, CSV or Parquet, in batches of Arrow columns under the names of our fields."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from services.playlists.columns import FIELD_NAMES, match_columns, plain_name

#: Rows of a batch.
BATCH_ROWS = 20_000
_BLOCK_BYTES = 4_000_000

_OPTIONAL = ("spotify_id", "isrc", "duration_ms", "duration_s", "duration", "release_year", "popularity")
_REQUIRED = ("title", *FEATURE_NAMES)
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """A file that has the columns of a reference table."""

    path: Path
    columns: dict[str, str]  #: The column of each field; artists may have several, "artist", "artist 2".
    delimiter: str | None  #: `None` for Parquet.
    n_rows: int | None  #: `None` where only reading tells, as in CSV.

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size


@dataclass(slots=True)
class BrokenLines:
    """Lines of a CSV file whose number of cells differs from the header's."""

    count: int = 0


def open_reference(path: Path) -> ReferenceFile:
    """Look at the columns of a file.

    Raises
    ------
    PermanentError
        `file-not-found`, `file-empty`, or `invalid-option` for a file that is no reference table; the message says why.
    """
    if not path.is_file():
        raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
    if path.stat().st_size == 0:
        raise PermanentError("file-empty", f"{path} is empty.")
    suffix = path.suffix.lower()
    if suffix not in {".parquet", ".csv", ".tsv"}:
        raise unusable(path, "is neither .parquet nor .csv")
    try:
        return _open_parquet(path) if suffix == ".parquet" else _open_csv(path)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError, csv.Error) as error:
        raise unusable(path, f"cannot be read ({_first_line(error)})") from None


def read_batches(file: ReferenceFile, broken: BrokenLines) -> Iterator[Any]:
    """Record batches whose columns have the names of our fields; `broken` counts what could not be split into cells.

    Raises
    ------
    PermanentError
        `invalid-option`: the file breaks off, or is not UTF-8.
    """
    names = list(dict.fromkeys(file.columns.values()))
    try:
        for batch in _parquet_batches(file, names) if file.delimiter is None else _csv_batches(file, names, broken):
            yield pa.RecordBatch.from_arrays([batch.column(name) for name in file.columns.values()], list(file.columns))
    except (pa.ArrowInvalid, OSError) as error:
        raise unusable(file.path, f"cannot be read ({_first_line(error)})") from None


def unusable(path: Path, reason: str) -> PermanentError:
    """The error of a file that cannot be loaded."""
    return PermanentError("invalid-option", f"{path} is no reference table: it {reason}.")


def _open_parquet(path: Path) -> ReferenceFile:
    with pyarrow.parquet.ParquetFile(path) as opened:
        return ReferenceFile(path, _columns(path, opened.schema_arrow.names), None, opened.metadata.num_rows)


def _open_csv(path: Path) -> ReferenceFile:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = lines.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    if len(set(names)) < len(names):
        raise unusable(path, "has two columns of one name")
    return ReferenceFile(path, _columns(path, names), delimiter, None)


def _columns(path: Path, names: list[str]) -> dict[str, str]:
    matched = match_columns(names)
    ranks = FIELD_NAMES["artist"]
    artists = sorted((n for n in names if plain_name(n) in ranks), key=lambda name: ranks.index(plain_name(name)))
    missing = [field for field in _REQUIRED if field not in matched]
    if missing or not artists:
        listed = ", ".join([*([] if artists else ["artist"]), *missing])
        raise unusable(path, f"has no column {listed}; its columns are {', '.join(names)[:500]}")
    fields = [field for field in (*_REQUIRED, *_OPTIONAL) if field in matched]
    columns = {field: names[matched[field]] for field in fields}
    return columns | {f"artist {rank}" if rank > 1 else "artist": name for rank, name in enumerate(artists, 1)}


def _parquet_batches(file: ReferenceFile, names: list[str]) -> Iterator[Any]:
    with pyarrow.parquet.ParquetFile(file.path) as opened:
        yield from opened.iter_batches(batch_size=BATCH_ROWS, columns=names)


def _csv_batches(file: ReferenceFile, names: list[str], broken: BrokenLines) -> Iterator[Any]:
    def skip(_: object) -> str:
        broken.count += 1
        return "skip"

    reader = pyarrow.csv.open_csv(
        file.path,
        # Threads would call `skip` at once.
        read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=file.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        # As text: a type guessed from the first block would make the first odd value end the whole load.
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    with reader:
        yield from reader


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
