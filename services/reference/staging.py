"""Turn a batch of a reference file into CSV for COPY; rows that cannot be used are counted by reason."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from core.features import FEATURES
from core.identity import isrc, key_halves, spotify_id
from services.playlists.artists import join_artists
from services.playlists.rejects import RowError
from services.playlists.values import FIRST_YEAR, LAST_YEAR, MAX_DURATION_MS, duration_ms

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Longest artist or title; no recording has a longer one, and files that are shifted by a cell do.
MAX_TEXT_LENGTH = 1_000
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
_SPOTIFY_ID = r"^[0-9A-Za-z]{22}$"
_MAX_POPULARITY = 100


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """What is copied, and what is not."""

    csv: bytes
    n_rows: int  #: Rows read.
    left_out: dict[str, int]  #: Rows that cannot be used, by reason; each has one reason.
    first_left_out: dict[str, int]  #: Number of the first such row in the file, by reason; the first row is 1.


def stage_batch(batch: bytes, first_row: int) -> StagedBatch:
    """Check and normalize the rows of a batch.

    Parameters
    ----------
    batch : an Arrow IPC stream of one record batch with the columns of `services.reference.reading`
    first_row : number of its first row in the file
    """
    table = pa.ipc.open_stream(batch).read_all().combine_chunks()
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    n = table.num_rows
    artist, title = _artists(columns), _text(columns["title"])
    ids, bad_id = _spotify_ids(columns.get("spotify_id"), n)
    durations, bad_duration = _durations(columns, n)
    values = np.column_stack([_numbers(columns[feature.name]) for feature in FEATURES])
    usable, left_out, first = _judge(
        {
            "blank-artist": _is_blank(artist),
            "blank-title": _is_blank(title),
            "text-too-long": _is_long(artist) | _is_long(title),
            "bad-spotify-id": bad_id,
            "bad-duration": bad_duration,
            **_feature_problems(values),
        }
    )
    staged = pa.table(
        {
            "row_number": np.arange(first_row, first_row + n),
            "spotify_id": ids,
            "isrc": _each(columns.get("isrc"), n, isrc),
            "artist": artist,
            "title": title,
            "duration_ms": durations,
            "release_year": _whole(_years(columns.get("release_year"), n), FIRST_YEAR, LAST_YEAR),
            "popularity": _whole(_optional_numbers(columns.get("popularity"), n), 0, _MAX_POPULARITY),
            **{feature.name: values[:, column] for column, feature in enumerate(FEATURES)},
        }
    ).filter(pa.array(usable))
    rows = {reason: first_row + row for reason, row in first.items()}
    return StagedBatch(_as_csv(_with_keys(staged)), n, left_out, rows)


def _judge(problems: dict[str, Mask]) -> tuple[Mask, dict[str, int], dict[str, int]]:
    """Which rows have none of the problems; how many have which, and the first of them. The first problem counts."""
    usable = np.ones(len(next(iter(problems.values()))), np.bool_)
    counts, first = {}, {}
    for reason, mask in problems.items():
        rows = np.flatnonzero(mask & usable)
        if len(rows):
            counts[reason], first[reason] = len(rows), int(rows[0])
        usable &= ~mask
    return usable, counts, first


def _feature_problems(values: Floats) -> dict[str, Mask]:
    low, high = np.array([(f.low, f.high) for f in FEATURES]).T
    tempo = [feature.name for feature in FEATURES].index("tempo")
    return {
        "feature-missing": np.isnan(values).any(axis=1),
        "feature-out-of-range": ((values < low) | (values > high)).any(axis=1),
        # That is how Spotify says that it has not analyzed a recording.
        "not-analyzed": values[:, tempo] == 0,
    }


def _with_keys(staged: Any) -> Any:
    pairs = zip(staged["artist"].to_pylist(), staged["title"].to_pylist(), strict=True)
    halves = [key_halves(artist, title) for artist, title in pairs]
    staged = staged.add_column(5, "artist_key", pa.array([half[0] for half in halves], pa.string()))
    return staged.add_column(6, "title_key", pa.array([half[1] for half in halves], pa.string()))


def _as_csv(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    # Null is an empty cell without quotes, which is also what COPY takes for null.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(table, sink, options)
    return bytes(sink.getvalue())


# --- Texts ------------------------------------------------------------------------------------------------------------


def _text(column: Any) -> Any:
    """Trimmed NFC text; null becomes an empty one, and the character that Postgres cannot hold disappears."""
    column = pc.fill_null(pc.cast(column, pa.string()), "")
    column = pc.utf8_trim_whitespace(pc.replace_substring(column, "\0", ""))
    return pc.utf8_normalize(column, form="NFC")


def _artists(columns: dict[str, Any]) -> Any:
    """The artists joined with ";", from the first of their columns that says something."""
    names = [name for name in columns if name.split(" ")[0] == "artist"]
    texts = [_one_artist_column(columns[name]) for name in names]
    blank = pa.scalar(None, pa.string())
    return pc.fill_null(pc.coalesce(*(pc.if_else(pc.equal(text, ""), blank, text) for text in texts)), "")


def _one_artist_column(column: Any) -> Any:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return _text(pc.binary_join(pc.cast(column, pa.list_(pa.string())), ";"))
    text = _text(column)
    several = pc.or_(pc.match_substring(text, ","), pc.starts_with(text, "["))
    if not pc.any(several).as_py():
        return text
    joined = [_join(cell) if check else cell for cell, check in zip(text.to_pylist(), several.to_pylist(), strict=True)]
    return pa.array(joined, pa.string())


@lru_cache(maxsize=65_536)
def _join(cell: str) -> str:
    """A cell of several artists; some tables hold lists as Python writes them."""
    if cell.startswith("[") and cell.endswith("]"):
        try:
            names = ast.literal_eval(cell)
        except (ValueError, SyntaxError):
            return join_artists(cell)
        return ";".join(str(name) for name in names)
    return join_artists(cell)


def _spotify_ids(column: Any, n: int) -> tuple[Any, Mask]:
    """Ids out of ids, URIs and links, and where something else stands."""
    if column is None:
        return pa.nulls(n, pa.string()), np.zeros(n, np.bool_)
    text = _text(column)
    plain = pc.match_substring_regex(text, _SPOTIFY_ID)
    ids = text if pc.all(plain).as_py() else _each(text, n, spotify_id)
    return ids, _array(pc.and_(pc.is_null(ids), pc.not_equal(text, "")))


def _each(column: Any, n: int, parse: Callable[[str], str | None]) -> Any:
    if column is None:
        return pa.nulls(n, pa.string())
    return pa.array([parse(cell) if cell else None for cell in _text(column).to_pylist()], pa.string())


def _is_blank(text: Any) -> Mask:
    return _array(pc.equal(text, ""))


def _is_long(text: Any) -> Mask:
    return _array(pc.greater(pc.utf8_length(text), MAX_TEXT_LENGTH))


# --- Numbers ----------------------------------------------------------------------------------------------------------


def _numbers(column: Any) -> Floats:
    """float64 [n]; NaN where there is none, or something else."""
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        text = _text(column)
        number = pc.match_substring_regex(text, _NUMBER)
        column = pc.if_else(number, text, pa.scalar(None, pa.string()))
    values: Floats = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


def _optional_numbers(column: Any, n: int) -> Floats:
    return np.full(n, np.nan) if column is None else _numbers(column)


def _whole(values: Floats, low: int, high: int) -> Any:
    """Whole numbers; null outside the bounds."""
    known = (values >= low) & (values <= high)
    return pa.array(np.where(known, values, 0).astype(np.int64), pa.int64(), mask=~known)


def _years(column: Any, n: int) -> Floats:
    """The first four digits in a row of each cell."""
    if column is None:
        return np.full(n, np.nan)
    found = pc.struct_field(pc.extract_regex(_text(column), r"(?P<year>\d{4})"), "year")
    return _numbers(found)


def _durations(columns: dict[str, Any], n: int) -> tuple[Any, Mask]:
    """Milliseconds, null where unknown, and where the cell is no duration."""
    if "duration_ms" in columns or "duration_s" in columns:
        name, factor = ("duration_ms", 1) if "duration_ms" in columns else ("duration_s", 1000)
        values = _numbers(columns[name]) * factor
        bad = (np.isnan(values) & ~_is_blank(_text(columns[name]))) | (values < 0) | (values > MAX_DURATION_MS)
        return _whole(np.round(values), 1, MAX_DURATION_MS), bad
    if "duration" not in columns:
        return pa.nulls(n, pa.int64()), np.zeros(n, np.bool_)
    read = [_clock(cell) for cell in _text(columns["duration"]).to_pylist()]
    bad = np.array([value == _UNREADABLE for value in read], np.bool_)
    return pa.array([None if value == _UNREADABLE else value for value in read], pa.int64()), bad


_UNREADABLE = -1


def _clock(cell: str) -> int | None:
    try:
        return duration_ms({"duration": cell})
    except RowError:
        return _UNREADABLE


def _array(mask: Any) -> Mask:
    found: Mask = mask.to_numpy(zero_copy_only=False)
    return found
