"""Estimates of any origin in a file: `track_id`, the nine features, and `<feature>_uncertainty` where known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES, N_FEATURES
from models.training_data import out_of_range
from services.routing_evaluation.recordings import read_recording

#: Values and half-widths of n tracks, [n, 9] each; NaN where they are not known.
Estimates = tuple[NDArray[np.float32], NDArray[np.float32]]

SUFFIXES = (".parquet", ".csv", ".jsonl")


def read_estimates(path: Path, track_ids: list[str]) -> Estimates:
    """The estimates of a Parquet or CSV table, or of a recording (`.jsonl`), for the given tracks.

    Raises
    ------
    PermanentError
        `file-not-found`, or `invalid-option` for a file that is no such table; the message names the column.
    """
    if path.suffix.lower() == ".jsonl":
        return _recorded(path, track_ids)
    table = _read(path)
    missing = [name for name in ("track_id", *FEATURE_NAMES) if name not in table.column_names]
    if missing:
        raise _unusable(path, f"has no column {', '.join(missing)}")
    values = _columns(path, table, FEATURE_NAMES)
    _check_ranges(path, values)
    uncertainty = _columns(path, table, [f"{name}_uncertainty" for name in FEATURE_NAMES])
    row_of = {str(track_id): row for row, track_id in enumerate(table["track_id"].to_pylist())}
    rows = np.array([row_of.get(track_id, len(row_of)) for track_id in track_ids], dtype=np.intp)
    if len(row_of) != table.num_rows:
        raise _unusable(path, "has a track_id twice")
    nothing = np.full((1, N_FEATURES), np.nan, dtype=np.float32)
    return np.vstack([values, nothing])[rows], np.vstack([uncertainty, nothing])[rows]


def _recorded(path: Path, track_ids: list[str]) -> Estimates:
    answers = {line.track_id: line.features or {} for line in read_recording(path)}
    values = [[answers.get(track_id, {}).get(name, np.nan) for name in FEATURE_NAMES] for track_id in track_ids]
    found = np.array(values, dtype=np.float32).reshape(-1, N_FEATURES)
    return found, np.full_like(found, np.nan)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
    readers = {".parquet": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _unusable(path, f"is none of {', '.join(SUFFIXES)}")
    try:
        return reader(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unusable(path, f"cannot be read ({error})") from None


def _columns(path: Path, table: Any, names: tuple[str, ...] | list[str]) -> NDArray[np.float32]:
    """Columns as float32 [n, 9]; NaN for nulls, and for all of a column that is absent."""
    found = []
    for name in names:
        try:
            column = pc.cast(table[name], pa.float64()) if name in table.column_names else None
        except pa.ArrowInvalid:
            raise _unusable(path, f"has a value that is not a number in column {name}") from None
        numbers = [None] * table.num_rows if column is None else column.to_pylist()
        found.append(np.array(numbers, dtype=np.float32))
    return np.column_stack(found) if table.num_rows else np.empty((0, N_FEATURES), dtype=np.float32)


def _check_ranges(path: Path, values: NDArray[np.float32]) -> None:
    if found := out_of_range(values, may_lack=True):
        raise _unusable(path, f"has {found[0]} values out of range, the first {found[1]}")


def _unusable(path: Path, reason: str) -> PermanentError:
    return PermanentError("invalid-option", f"{path} is no table of estimates: it {reason}.")
