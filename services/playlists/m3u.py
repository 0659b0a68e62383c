"""M3U and M3U8 playlists, plain and extended."""

import io
import re
from collections.abc import Iterator
from urllib.parse import unquote

from core.identity import spotify_id
from services.playlists.rows import RawRow

_DASH = re.compile(r"\s+[-–—]\s+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,4}$")
# "01 - Artist - Title" and "07. Artist - Title" count tracks; "50 Cent - In da Club" and "311 - Amber" do not.
_TRACK_NUMBER = re.compile(r"(?:0\d{1,2}|\d{1,2})(?:\.\s*|\s+-\s+)(?=.*\s[-–—]\s)")
_DURATION = re.compile(r"[^\s,]*")
_TAGS = {"#EXTALB": "album", "#EXTART": "artist", "#EXTGENRE": "genres"}


def playlist_name(text: str) -> str | None:
    """The name in `#PLAYLIST:`, where there is one."""
    match = re.search(r"^\s*#PLAYLIST:(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else None


def m3u_rows(text: str) -> Iterator[RawRow]:
    """One row per entry, its line being that of the path. Tags belong to the entry that follows them."""
    fields: dict[str, str] = {}
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        entry = line.strip()
        if entry.startswith("#"):
            _read_tag(entry, fields)
        elif entry:
            name_from_path(entry, fields)
            fields["spotify_id" if spotify_id(entry) else "audio_uri"] = entry
            yield RawRow(number, fields, _source(fields, entry))
            fields = {}


def _read_tag(entry: str, fields: dict[str, str]) -> None:
    tag, _, value = entry.partition(":")
    tag = tag.upper()
    if tag == "#EXTINF":
        _read_info(value, fields)
    elif tag in _TAGS:
        fields.setdefault(_TAGS[tag], value.strip())


def _read_info(value: str, fields: dict[str, str]) -> None:
    """`secs[ attributes],Artist - Title`. Without a dash the text is the title alone."""
    attributes, _, display = value.partition(",")
    seconds = _DURATION.match(attributes.strip())
    # A negative duration is M3U's way of saying unknown, or endless.
    if seconds and not seconds[0].startswith("-"):
        fields["duration_s"] = seconds[0]
    artist, title = _split_name(display.strip())
    if artist:
        fields["artist"] = artist
    if title:
        fields["title"] = title


def name_from_path(path: str, fields: dict[str, str]) -> None:
    """Fill in what the tags left open from a file name like `Artist - Title.mp3`."""
    if "artist" in fields and "title" in fields:
        return
    location = unquote(path) if _SCHEME.match(path) else path
    stem = _EXTENSION.sub("", re.split(r"[\\/]", location)[-1])
    artist, title = _split_name(_TRACK_NUMBER.sub("", stem, count=1) if _TRACK_NUMBER.match(stem) else stem)
    if artist:
        fields.setdefault("artist", artist)
        fields.setdefault("title", title)


def _split_name(name: str) -> tuple[str, str]:
    """Artist and title of "Artist - Title"; the artist is blank where there is no dash."""
    artist, *title = _DASH.split(name, maxsplit=1)
    return (artist, title[0]) if title else ("", artist)


def _source(fields: dict[str, str], path: str) -> str:
    known = [fields[name] for name in ("artist", "title") if name in fields]
    return " - ".join(known) + f" ({path})" if known else path
