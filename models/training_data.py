"""The reference table: tracks with known audio features, in folds to learn from and to be judged on."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES
from core.tracks import TrackBatch

TRAIN_FOLD = "train"
HOLDOUT_FOLDS = ("random-holdout", "artist-holdout")

REQUIRED_COLUMNS = ("title", "artist", "fold", *FEATURE_NAMES)

#: What the public tables named in the `source` column of the reference table are.
PUBLIC_SOURCES = {
    "tidytuesday-2020": "TidyTuesday 2020, Spotify songs: playlist genres, albums, popularity",
    "hit-predictor-1960-2019": "The Spotify Hit Predictor, 1960-2019: decade, no genre, no album",
    "playlist-exports-2026": "Public playlist exports, dates up to 2024: artist genres, explicit",
}

#: Beside a reference table: genres of artists.
ARTIST_GENRES_FILE = "artist_genres.parquet"

# In a CSV file a list is written in one cell.
_LIST_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """n tracks with their known features."""

    path: Path
    tracks: TrackBatch
    targets: NDArray[np.float32]  #: [n, 9], in each feature's unit; columns follow `FEATURE_NAMES`
    fold: NDArray[np.str_]  #: [n]
    source: NDArray[np.str_]  #: [n]; empty where the table has no such column

    def __len__(self) -> int:
        return len(self.tracks)

    def select(self, chosen: NDArray[np.bool_]) -> "ReferenceTable":
        """The rows where `chosen`, a mask of length n, is true."""
        tracks = self.tracks.take(np.flatnonzero(chosen).tolist())
        return ReferenceTable(self.path, tracks, self.targets[chosen], self.fold[chosen], self.source[chosen])

    def in_fold(self, fold: str) -> "ReferenceTable":
        """The rows of one fold."""
        return self.select(self.fold == fold)

    def popular(self, minimum: int) -> "ReferenceTable":
        """The rows whose popularity is known and at least `minimum`."""
        popularity = np.array(self.tracks.popularity, dtype=np.float64)
        return self.select(popularity >= minimum)

    def describe(self) -> dict[str, Any]:
        """What a model card says of this table: file, checksum, rows by source, and what those sources are."""
        by_source = Counter(self.source.tolist())
        sources = {name: f"{rows:,} rows. {PUBLIC_SOURCES.get(name, '')}".strip() for name, rows in by_source.items()}
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return {"file": self.path.name, "sha256": digest, "sources": dict(sorted(sources.items()))}


def read_reference_table(path: Path) -> ReferenceTable:
    """Read a reference table from Parquet or CSV.

    Needed are `title`, `artist`, `fold` and the nine features; `track_id`, `artists` (a list, in CSV joined with ";"),
    `album`, `genres` (likewise), `duration_ms`, `release_year`, `decade`, `explicit`, `popularity`, `moods` (a list),
    `track_number`, `album_total_tracks` and `source` are used where present.

    Raises
    ------
    PermanentError
        `file-not-found`, or `invalid-option` for a file that is no such table; the message names the column.
    """
    table = _read(path)
    missing = [name for name in REQUIRED_COLUMNS if name not in table.column_names]
    if missing:
        raise _unusable(path, f"has no column {', '.join(missing)}")
    if table.num_rows == 0:
        raise _unusable(path, "has no rows")
    targets = np.column_stack([_feature_column(path, table, name) for name in FEATURE_NAMES]).astype(np.float32)
    _check_ranges(path, targets)
    fold = np.array(_column(table, "fold", ""), dtype=np.str_)
    if TRAIN_FOLD not in fold:
        raise _unusable(path, f"has no row whose fold is {TRAIN_FOLD!r}")
    source = np.array(_column(table, "source", ""), dtype=np.str_)
    return ReferenceTable(path, _track_batch(path, table), targets, fold, source)


def read_artist_genres(table: Path) -> dict[str, list[str]]:
    """Genres by artist, from `artist_genres.parquet` in the folder of a reference table; empty without that file.

    Its columns `artist` and `genres` (lists) are read; nothing else in it, its popularity least of all.

    Raises
    ------
    PermanentError
        `invalid-option`: the file cannot be read or lacks a column.
    """
    path = table.with_name(ARTIST_GENRES_FILE)
    if not path.is_file():
        return {}
    genres = _read(path)
    missing = [name for name in ("artist", "genres") if name not in genres.column_names]
    if missing:
        raise PermanentError("invalid-option", f"{path} has no column {', '.join(missing)}.")
    artists = _column(genres, "artist", "")
    return {name: own for name, own in zip(artists, _list_column(genres, "genres"), strict=True) if name and own}


def describe_artist_genres(table: Path) -> dict[str, str] | None:
    """What a model card says of the genres beside a reference table: file and checksum; None without that file."""
    path = table.with_name(ARTIST_GENRES_FILE)
    if not path.is_file():
        return None
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _read(path: Path) -> Any:
    if not path.is_file():
        raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
    readers = {".parquet": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _unusable(path, "is neither .parquet nor .csv")
    try:
        return reader(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unusable(path, f"cannot be read ({error})") from None


def _track_batch(path: Path, table: Any) -> TrackBatch:
    artist = _column(table, "artist", "")
    artists = _list_column(table, "artists")
    if empty := sum(not name for name in artist):
        raise _unusable(path, f"has {empty} rows without an artist")
    return TrackBatch(
        track_id=[str(value) for value in _column(table, "track_id", "")],
        artist=[_LIST_SEPARATOR.join(names) or name for name, names in zip(artist, artists, strict=True)],
        title=_column(table, "title", ""),
        album=_column(table, "album", None),
        genres=_list_column(table, "genres"),
        duration_ms=_column(table, "duration_ms", None),
        release_year=_column(table, "release_year", None),
        explicit=_column(table, "explicit", None),
        popularity=_column(table, "popularity", None),
        decade=_column(table, "decade", None),
        moods=_list_column(table, "moods"),
        track_number=_column(table, "track_number", None),
        album_total_tracks=_column(table, "album_total_tracks", None),
    )


def _column(table: Any, name: str, default: str | None) -> list[Any]:
    """A column as a list, with `default` for nulls and for a column that is absent."""
    if name not in table.column_names:
        return [default] * table.num_rows
    return [default if value is None else value for value in table[name].to_pylist()]


def _list_column(table: Any, name: str) -> list[list[str]]:
    """A column of lists of text; empty lists where null or absent."""
    return [
        value if isinstance(value, list) else [part.strip() for part in value.split(_LIST_SEPARATOR) if part.strip()]
        for value in _column(table, name, "")
    ]


def _feature_column(path: Path, table: Any, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(pc.cast(table[name], pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid:
        raise _unusable(path, f"has a value that is not a number in column {name}") from None


def _check_ranges(path: Path, targets: NDArray[np.float32]) -> None:
    if found := out_of_range(targets):
        raise _unusable(path, f"has {found[0]} unusable values, the first {found[1]}")


def out_of_range(values: NDArray[np.float32], *, may_lack: bool = False) -> tuple[int, str] | None:
    """How many values of a feature are outside its range, and where the first of them is; `None`: all are inside.

    `values` are [n, 9]; NaN counts as outside unless values may lack. The first feature with such values is told.
    """
    for feature, column in zip(FEATURES, values.T, strict=True):
        wrong = ~((column >= feature.low) & (column <= feature.high))
        if may_lack:
            wrong &= ~np.isnan(column)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            detail = f"{feature.name} = {column[row]:g} in row {row + 1}, outside {feature.low:g}..{feature.high:g}"
            return int(wrong.sum()), detail
    return None


def _unusable(path: Path, reason: str) -> PermanentError:
    return PermanentError("invalid-option", f"{path} is no reference table: it {reason}.")
