"""The entry point: a playlist file, an upload or a list of objects becomes rows and rejects."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from core.errors import PermanentError
from core.settings import ImportSettings
from services.playlists.decode import decode
from services.playlists.delimited import open_table
from services.playlists.duplicates import TrackList
from services.playlists.m3u import m3u_rows, playlist_name
from services.playlists.rejects import Reject, RowError, preview, shorten
from services.playlists.rows import ImportRow, RawRow, RowReader
from services.playlists.structured import load_json, object_rows

# A name is indexed, and an index entry of Postgres holds about 2,700 bytes: four for each character.
MAX_NAME_LENGTH = 500

_M3U_TAG = re.compile(r"\s*#EXT(?:M3U|INF)")


@dataclass(slots=True)
class PlaylistFile:
    """What a playlist holds. Every row seen is in `rows` or in `rejects`."""

    name: str | None  #: The name the file gives itself, else the file's own name without its extension.
    format: str  #: `exportify-csv`, `csv`, `json` or `m3u`.
    encoding: str
    rows: list[ImportRow]  #: In file order, without duplicates.
    rejects: list[Reject]  #: In file order.
    n_rows: int


class NoUsableRowsError(PermanentError):
    """Every row was rejected (code `no-usable-rows`); the rejects are still there to be shown."""

    def __init__(self, message: str, rejects: list[Reject]) -> None:
        super().__init__("no-usable-rows", message)
        self.rejects = rejects


def read_playlist(path: Path, settings: ImportSettings, *, merge_duplicates: bool = True) -> PlaylistFile:
    """Read a playlist file.

    With `merge_duplicates` a row that repeats a track fills the gaps of the first one and is reported; without, every
    usable row is kept as it is.

    Raises
    ------
    PermanentError
        `file-not-found`, `file-too-large`, and what `parse_playlist` raises.
    """
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise PermanentError("file-not-found", f"{path} {problem}; give the path of a playlist file.")
        with path.open("rb") as file:
            # One byte more than allowed tells a file that is too large.
            data = file.read(settings.max_bytes + 1)
    except OSError as error:
        raise PermanentError("file-not-found", f"{path} cannot be read: {error.strerror}.") from None
    return parse_playlist(data, path.name, settings, merge_duplicates=merge_duplicates)


def parse_playlist(
    data: bytes, filename: str, settings: ImportSettings, *, merge_duplicates: bool = True
) -> PlaylistFile:
    """Read the bytes of a playlist file; `filename` helps to tell the format and appears in messages.

    Raises
    ------
    PermanentError
        `file-empty`, `file-too-large`, `file-not-a-playlist`, or `no-usable-rows` (a `NoUsableRowsError`).
    """
    shown = shorten(filename)
    if len(data) > settings.max_bytes:
        limit = f"{settings.max_bytes} bytes (MUSICSPACE_IMPORTS__MAX_BYTES)"
        raise PermanentError("file-too-large", f"{shown} is larger than {limit}; split it, or raise the limit.")
    decoded = decode(data, shown)
    content = _recognize(decoded.text, PurePath(filename).suffix.lower(), shown)
    playlist = _collect(content, decoded.encoding, shown, settings, merge_duplicates)
    playlist.name = _clean_name(content.name) or _clean_name(PurePath(filename).stem)
    return playlist


def rows_from_objects(objects: list[Any], settings: ImportSettings) -> PlaylistFile:
    """Read tracks that are already Python objects, as the API's JSON body has them.

    Raises
    ------
    PermanentError
        `file-too-large`, or `no-usable-rows` (a `NoUsableRowsError`).
    """
    return _collect(_Content("json", None, object_rows(objects)), "utf-8", "The list of tracks", settings)


@dataclass(frozen=True, slots=True)
class _Content:
    """A file whose format is known and whose rows have not been validated."""

    format: str
    name: str | None
    rows: Iterator[RawRow | Reject]
    commas_separate_artists: bool = True


def _recognize(text: str, suffix: str, filename: str) -> _Content:
    """Tell the format from the suffix or, since people rename files, from the first characters."""
    if suffix in {".m3u", ".m3u8"} or _M3U_TAG.match(text):
        return _Content("m3u", playlist_name(text), m3u_rows(text))
    if suffix == ".json" or text.lstrip().startswith(("[", "{")):
        name, elements = load_json(text, filename)
        return _Content("json", name, object_rows(elements))
    table = open_table(text, filename)
    return _Content(table.format, None, table.rows(), not table.semicolons_separate_artists())


def _collect(
    content: _Content, encoding: str, filename: str, settings: ImportSettings, merge_duplicates: bool = True
) -> PlaylistFile:
    """Validate the rows, merge duplicates where asked, and keep account of the others."""
    playlist = PlaylistFile(None, content.format, encoding, [], [], 0)
    reader = RowReader(settings.max_text_length, content.commas_separate_artists)
    tracks = TrackList()
    keep = tracks.add if merge_duplicates else tracks.rows.append
    for raw in content.rows:
        playlist.n_rows += 1
        if playlist.n_rows > settings.max_rows:
            limit = f"{settings.max_rows} rows (MUSICSPACE_IMPORTS__MAX_ROWS)"
            raise PermanentError("file-too-large", f"{filename} has more than {limit}; split it, or raise the limit.")
        if isinstance(raw, Reject):
            playlist.rejects.append(raw)
            continue
        try:
            keep(reader.read(raw))
        except RowError as error:
            playlist.rejects.append(Reject(raw.line, error.reason, error.detail, preview(raw.source)))
    playlist.rows = tracks.rows
    if not playlist.rows:
        raise NoUsableRowsError(_no_rows_message(filename, playlist), playlist.rejects)
    return playlist


def _no_rows_message(filename: str, playlist: PlaylistFile) -> str:
    if not playlist.n_rows:
        return f"{filename} lists no tracks; export the playlist again."
    counts = Counter(reject.reason for reject in playlist.rejects)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    first = playlist.rejects[0]
    return f"{filename}: all {playlist.n_rows} rows were rejected ({reasons}). Line {first.line}: {first.detail}"


def _clean_name(name: str | None) -> str | None:
    """A playlist name fit to be stored, or None."""
    return shorten((name or "").strip(), MAX_NAME_LENGTH).strip() or None
