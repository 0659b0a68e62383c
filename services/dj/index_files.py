"""What a build exports for ranking: `meta.json`, and a folder of arrays that are mapped into memory, not read.

The arrays of one export lie in a folder of their own that `meta.json` names, so a reader sees one export or the next,
never a mix. A reader that has them open keeps them although the next export removes them.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.durable_files import replacing, sync
from core.errors import PermanentError
from models.dj.columns import COLUMNS
from models.dj.keys import camelot
from models.dj.library import DjLibrary, TrackTable
from services.dj.index_header import Header

META = "meta.json"
_FORMAT = 1
_ARRAYS = ("numbers", "intro", "outro")
_FAISS = "intro.faiss"
_PREFIX = "arrays-"
# What `meta.json` tells of a track beside id, path and key.
_SHOWN = {
    "duration_s": "duration_s",
    "bpm": "bpm",
    "energy": "whole_energy",
    "loudness_lufs": "loudness_lufs",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """An export, loaded. `paths` are relative to the folder of audio, in the order of the library."""

    header: Header
    library: DjLibrary
    paths: list[str]


def write_export(folder: Path, header: Header, library: DjLibrary, paths: Mapping[int, str]) -> None:
    """Replace the export of an index folder; killed at any point, the folder holds the old one or the new one.

    Raises
    ------
    PermanentError
        `dj-index-unwritable`.
    """
    try:
        arrays = _new_folder(folder)
        _write_arrays(arrays, library)
        with replacing(folder / META) as temporary:
            # Names that are no text become their bytes again.
            temporary.write_bytes(_document(header, library, paths, arrays.name).encode("utf-8", "surrogateescape"))
        for old in folder.glob(f"{_PREFIX}*"):
            if old != arrays:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise PermanentError("dj-index-unwritable", f"{folder} cannot be written ({error}).") from error


def read_export(folder: Path) -> Exported:
    """Load an export. Vectors are mapped, so that several processes share one copy in memory.

    Raises
    ------
    PermanentError
        `dj-index-missing`, or `dj-index-corrupt`.
    """
    try:
        return _read(folder)
    except FileNotFoundError:
        # Perhaps replaced between reading the names and opening the files; then the next export is there by now.
        try:
            return _read(folder)
        except FileNotFoundError as error:
            raise _corrupt(folder, f"{error.filename} is missing") from error


def _read(folder: Path) -> Exported:
    meta = read_meta(folder)
    try:
        header = Header(**meta["built_with"])
        ids = [row["id"] for row in meta["tracks"]]
        paths = [row["path"] for row in meta["tracks"]]
        if meta["columns"] != list(COLUMNS):
            raise _corrupt(folder, "another version of MusicSpace exported it; nothing has to be analyzed again")
        # The name comes from a file that anybody may have edited: it stays within the folder.
        numbers, intro, outro = (_load(folder / Path(meta["arrays"]).name / f"{name}.npy") for name in _ARRAYS)
        if intro.shape[1:] != (meta["dimensions"],):
            raise _corrupt(folder, f"vectors of {intro.shape}, expected {meta['dimensions']} dimensions")
        library = DjLibrary(TrackTable(header.space, ids, numbers, intro, outro))
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(folder, f"{type(error).__name__}: {error}") from error
    if library.ids != ids:
        raise _corrupt(folder, "tracks and vectors are not in one order")
    return Exported(header, library, paths)


def read_meta(folder: Path) -> dict[str, Any]:
    """The content of `meta.json`."""
    path = folder / META
    try:
        meta = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (FileNotFoundError, NotADirectoryError):
        raise PermanentError("dj-index-missing", f"There is no DJ index in {folder}: {META} is missing.") from None
    except (OSError, ValueError) as error:
        raise _corrupt(folder, f"{META}: {error}") from error
    if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
        raise _corrupt(folder, f"{META} has another format than {_FORMAT}")
    return meta


def _load(path: Path) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(path, mmap_mode="r")
    if array.ndim != 2 or array.dtype != np.float32:
        raise ValueError(f"{path.name} holds {array.dtype} {array.shape}")
    return array


def _new_folder(folder: Path) -> Path:
    for number in count(1):
        arrays = folder / f"{_PREFIX}{number:06}"
        try:
            arrays.mkdir()
        except FileExistsError:
            continue
        return arrays
    raise AssertionError("unreachable")


def _write_arrays(folder: Path, library: DjLibrary) -> None:
    table = library.table()
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(table, name)))
    if find_spec("faiss") is not None:
        _write_faiss(folder / _FAISS, table.intro)
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def _write_faiss(path: Path, intro: NDArray[np.float32]) -> None:
    """For other programs. Here tracks of a fitting tempo are one piece of memory: a product with it alone is exact,
    and quicker than a search among all."""
    import faiss

    index = faiss.IndexFlatIP(intro.shape[1])
    index.add(np.ascontiguousarray(intro))
    path.write_bytes(faiss.serialize_index(index).tobytes())


def _document(header: Header, library: DjLibrary, paths: Mapping[int, str], arrays: str) -> str:
    """JSON with one setting or track to a line."""
    head = {
        "format": _FORMAT,
        "built_with": asdict(header),
        "arrays": arrays,
        "dimensions": int(library.intro.shape[1]),
        "columns": list(COLUMNS),
    }
    shown = {name: library[column].tolist() for name, column in _SHOWN.items()}
    keys = library["key"].tolist()
    lines = []
    for row, track_id in enumerate(library.ids):
        values = {name: _rounded(column[row]) for name, column in shown.items()}
        track = {"id": track_id, "path": paths[int(track_id)], **values, "key": camelot(keys[row])}
        lines.append(json.dumps(track, ensure_ascii=False))
    opening = "".join(f'"{name}": {json.dumps(value, ensure_ascii=False)},\n' for name, value in head.items())
    return "{" + opening + '"tracks": [\n' + ",\n".join(lines) + "\n]}\n"


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 3)


def _corrupt(folder: Path, reason: str) -> PermanentError:
    return PermanentError("dj-index-corrupt", f"The index in {folder} cannot be used ({reason}).")
