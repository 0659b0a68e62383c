"""A set as an extended M3U playlist in UTF-8, as players and DJ programs read it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.durable_files import replacing
from core.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a set."""

    file: Path  #: Absolute.
    duration_s: float


def require_new_file(path: Path, *, force: bool) -> None:
    """Refuse early (`PermanentError`, `invalid-option`) what could not be written in the end."""
    if path.is_dir() or not path.parent.is_dir():
        raise PermanentError("invalid-option", f"{path} cannot be a file: name one in a folder that exists.")
    if path.exists() and not force:
        raise PermanentError("invalid-option", f"{path} exists. Choose another name, or replace it with --force.")


def write_m3u8(path: Path, entries: Sequence[Entry]) -> None:
    """Write a playlist, whole or not at all.

    Files in or below the playlist's folder are named relative to it, so that both can be moved together; others by
    their absolute path.
    """
    folder = path.parent.absolute()
    lines = ["#EXTM3U"]
    for entry in entries:
        lines += [f"#EXTINF:{round(entry.duration_s)},{one_line(entry.file.stem)}", _location(entry.file, folder)]
    try:
        with replacing(path) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise PermanentError("invalid-option", f"{path} cannot be written ({error.strerror}).") from None


def one_line(name: str) -> str:
    """A file name as a line of text, for people: a name may hold line breaks, or bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")


def _location(file: Path, folder: Path) -> str:
    name = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return file.as_uri()
    if "\n" in name or "\r" in name or name != name.strip():
        return file.as_uri()
    # A line that begins with # is a comment.
    return f"./{name}" if name.startswith("#") else name
