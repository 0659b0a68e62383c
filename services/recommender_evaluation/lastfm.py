"""Last.fm as HetRec 2011 published it: who played which artist how often, and how artists were tagged.

There are no times in it, so it cannot be split by time. Cantador, Brusilovsky and Kuflik, 2nd Workshop on Information
Heterogeneity and Fusion in Recommender Systems, 2011; for research, not for commerce.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES, N_FEATURES
from core.identity import key_halves
from models.recommenders.catalog import Catalog

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Files of the folder, and their columns.
_PLAYS = ("plays.parquet", ("user_id", "artist_id", "plays"))
_ARTISTS = ("artists.parquet", ("artist_id", "artist"))
_TAGS = ("artist_tags.parquet", ("artist_id", "tag", "n"))
#: Tags that fewer artists have tell nothing that could be shared.
_FEWEST_ARTISTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Listening:
    """What users played; the rows of one user are neighbors, ascending by position."""

    catalog: Catalog  #: Artists as items.
    user_ids: NDArray[np.int64]  #: [p], ascending.
    positions: NDArray[np.intp]  #: [p]
    plays: NDArray[np.float32]  #: [p], above 0.
    matched: int  #: Artists of known audio features.


def read_lastfm(folder: Path, tracks: Path) -> Listening:
    """Read the three files of the folder, and the mean audio features of artists from a table of tracks.

    Parameters
    ----------
    folder
        Has `plays.parquet` (user_id, artist_id, plays), `artists.parquet` (artist_id, artist) and
        `artist_tags.parquet` (artist_id, tag, n).
    tracks
        Parquet with `artist` and the nine features. Artists meet by their half of the identity key.

    Returns
    -------
    listening
        Its catalog has every artist of `artists.parquet`; a tag that n users gave weighs n. Popularity is left
        unknown, for it would count what is held out.

    Raises
    ------
    PermanentError
        `file-not-found`, or `invalid-option`: a file lacks a column, holds what it should not, or cannot be read.
    """
    if not folder.is_dir():
        raise PermanentError("file-not-found", f"{folder} is no folder; name the one that has {_PLAYS[0]}.")
    plays, artists, tags = (_read(folder / name, columns) for name, columns in (_PLAYS, _ARTISTS, _TAGS))
    audio = _read(tracks, ("artist", *FEATURE_NAMES))
    ids = _numbers(folder / _ARTISTS[0], artists, "artist_id")
    order = np.argsort(ids)
    item_ids, names = ids[order], [artists["artist"][int(row)].as_py() or "" for row in order]
    if len(np.unique(item_ids)) < len(item_ids):
        raise PermanentError("invalid-option", f"{folder / _ARTISTS[0]} has an artist_id twice.")
    genres, genre_names = _tag_columns(folder / _TAGS[0], tags, item_ids)
    features = _mean_features(audio, names)
    catalog = Catalog(
        item_ids,
        artists=names,
        titles=[""] * len(names),
        albums=[None] * len(names),
        genres=genres,
        genre_names=genre_names,
        features=features,
        popularity=np.full(len(names), np.nan, dtype=np.float32),
    )
    return _listening(folder / _PLAYS[0], plays, catalog)


def _listening(path: Path, table: Any, catalog: Catalog) -> Listening:
    users, artists, plays = (_numbers(path, table, name) for name in _PLAYS[1])
    positions = catalog.find(artists)
    if unknown := int((positions < 0).sum()):
        raise PermanentError("invalid-option", f"{path} has {unknown:,} rows whose artist_id is not in {_ARTISTS[0]}.")
    if (plays <= 0).any():
        row = int(np.flatnonzero(plays <= 0)[0])
        raise PermanentError("invalid-option", f"{path} has plays = {plays[row]} in row {row + 1}; they are above 0.")
    order = np.lexsort((positions, users))
    users, positions, plays = users[order], positions[order], plays[order]
    if ((np.diff(users) == 0) & (np.diff(positions) == 0)).any():
        raise PermanentError("invalid-option", f"{path} has a user and artist twice.")
    matched = int((~np.isnan(catalog.features)).any(axis=1).sum())
    return Listening(catalog, users, positions, plays.astype(np.float32), matched)


def _tag_columns(path: Path, table: Any, item_ids: NDArray[np.int64]) -> "tuple[csr_array, list[str]]":
    from scipy.sparse import csr_array

    artists, counts = (_numbers(path, table, name) for name in ("artist_id", "n"))
    names, columns = np.unique(np.array(table["tag"].to_pylist(), dtype=np.str_), return_inverse=True)
    rows = np.searchsorted(item_ids, artists)
    known = np.isin(artists, item_ids)
    kept = known & (np.bincount(columns[known], minlength=len(names))[columns] >= _FEWEST_ARTISTS)
    used, compact = np.unique(columns[kept], return_inverse=True)
    weights = counts[kept].astype(np.float32)
    matrix = csr_array((weights, (rows[kept], compact)), shape=(len(item_ids), len(used)))
    return matrix, names[used].tolist()


def _mean_features(table: Any, names: Sequence[str]) -> NDArray[np.float32]:
    """Of each artist the mean over its tracks, [n, 9]; NaN where no track is known."""
    values = np.column_stack([np.asarray(table[name].to_numpy(), dtype=np.float64) for name in FEATURE_NAMES])
    row_of = {key_halves(name, "")[0]: row for row, name in reversed(list(enumerate(names)))}
    rows = np.array([row_of.get(key_halves(artist or "", "")[0], -1) for artist in table["artist"].to_pylist()])
    kept = (rows >= 0) & ~np.isnan(values).any(axis=1)
    sums = np.zeros((len(names), N_FEATURES))
    np.add.at(sums, rows[kept], values[kept])
    counts = np.bincount(rows[kept], minlength=len(names))[:, None]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _read(path: Path, columns: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet

    if not path.is_file():
        raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
    try:
        present = pa.parquet.read_schema(path).names
        missing = [name for name in columns if name not in present]
        if missing:
            raise PermanentError("invalid-option", f"{path} has no column {', '.join(missing)}.")
        return pa.parquet.read_table(path, columns=list(columns))
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise PermanentError("invalid-option", f"{path} cannot be read as Parquet ({reason}).") from None


def _numbers(path: Path, table: Any, name: str) -> NDArray[np.int64]:
    import pyarrow as pa

    try:
        column = table[name].cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise PermanentError("invalid-option", f"{path} has a {name} that is no whole number.") from None
    if column.null_count:
        raise PermanentError("invalid-option", f"{path} has {column.null_count:,} rows without {name}.")
    return np.asarray(column.to_numpy(), dtype=np.int64)
