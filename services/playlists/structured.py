"""JSON playlists: lists of tracks in our own names or those of the Spotify Web API."""

import json
from collections.abc import Iterator
from typing import Any

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from services.playlists.columns import match_columns
from services.playlists.rejects import Reject, RowError, preview
from services.playlists.rows import RawRow

# Where Spotify's objects keep what a flat row has directly.
_NESTED = ("album", "external_ids", "audio_features", "features")
_LIST_KEYS = ("tracks", "items")


def load_json(text: str, filename: str) -> tuple[str | None, list[Any]]:
    """The playlist's name, where it has one, and its elements.

    Raises
    ------
    PermanentError
        `file-not-a-playlist` for broken JSON, or JSON without a list of tracks.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise _not_a_playlist(filename, "is nested too deeply") from None
    except ValueError as error:
        raise _not_a_playlist(filename, f"is not valid JSON ({error})") from None
    name = document.get("name") if isinstance(document, dict) else None
    elements = _find_elements(document)
    if elements is None:
        raise _not_a_playlist(filename, "holds no list of tracks")
    return (name if isinstance(name, str) else None), elements


def _find_elements(document: Any) -> list[Any] | None:
    """The list itself, or the one under "tracks" or "items"; Spotify has `{"tracks": {"items": [...]}}`."""
    for _ in range(len(_LIST_KEYS)):
        if isinstance(document, dict):
            document = next((document[key] for key in _LIST_KEYS if key in document), None)
    return document if isinstance(document, list) else None


def object_rows(elements: list[Any]) -> Iterator[RawRow | Reject]:
    """One row per element; its line is the 1-based index."""
    for line, element in enumerate(elements, start=1):
        try:
            yield RawRow(line, _fields(element), element)
        except RowError as error:
            yield Reject(line, error.reason, error.detail, preview(element))


def _fields(element: Any) -> dict[str, str]:
    if not isinstance(element, dict):
        raise RowError("not-an-object", "The element is not an object with an artist and a title.")
    track = element.get("track")
    flat = _flatten(track if isinstance(track, dict) else element)
    columns = match_columns(tuple(flat))
    values = tuple(flat.values())
    return {field: _as_text(field, values[position]) for field, position in columns.items()}


def _flatten(track: dict[str, Any]) -> dict[str, Any]:
    """The track with its nested objects opened."""
    flat = {str(key): value for key, value in track.items() if key not in _NESTED or not isinstance(value, dict)}
    nested = {key: track[key] for key in _NESTED if isinstance(track.get(key), dict)}
    if album := nested.pop("album", None):
        flat["album"] = album.get("name")
        for name in ("release_date", "total_tracks"):
            if name in album:
                flat.setdefault(name, album[name])
    for inner in nested.values():
        flat.update((name, inner[name]) for name in ("isrc", *FEATURE_NAMES) if name in inner)
    return flat


def _as_text(field: str, value: Any) -> str:
    """A JSON value as the text a CSV cell would hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if field == "artist" and isinstance(value, list | dict):
        return _artists(value if isinstance(value, list) else [value])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    raise _bad_value(field, value)


def _artists(names: list[Any]) -> str:
    """Names, or objects with a name, as a cell; a comma inside a name is escaped so that it does not separate."""
    texts: list[str] = []
    for name in names:
        text = name.get("name") if isinstance(name, dict) else name
        if not isinstance(text, str):
            raise _bad_value("artist", text)
        texts.append(text.replace(";", ",").replace(",", "\\,"))
    return ";".join(texts)


def _bad_value(field: str, value: Any) -> RowError:
    return RowError("bad-value", f"The {field} is a {type(value).__name__}, which it cannot be.")


def _not_a_playlist(filename: str, problem: str) -> PermanentError:
    return PermanentError(
        "file-not-a-playlist",
        f'{filename} {problem}; use a list of objects with artist and title, or {{"name": ..., "tracks": [...]}}.',
    )
