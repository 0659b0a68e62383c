"""Where audio may be read from: tracks name files by path or URL, and nothing outside of the configured folders."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.errors import PermanentError

#: Names of files that are taken for audio in a folder; what a file really is, its content decides.
EXTENSIONS = frozenset(
    f".{extension}"
    for extension in (
        *("aac", "aif", "aifc", "aiff", "alac", "ape", "au", "caf", "flac", "m4a", "m4b", "mka", "mp3", "mp4"),
        *("oga", "ogg", "opus", "rf64", "w64", "wav", "wave", "weba", "webm", "wma", "wv"),
    )
)
_REMOTE_SCHEMES = frozenset({"http", "https"})


def is_url(uri: str) -> bool:
    """Whether a track's `audio_uri` is to be fetched from the network."""
    return uri.split(":", 1)[0].strip().lower() in _REMOTE_SCHEMES and "://" in uri


def locate(uri: str, roots: Sequence[Path]) -> Path:
    """The real path of a track's audio file.

    `uri` is a path relative to the first root that has such a file, an absolute path, or a `file://` URL. Korean and
    accented names are found in either form of Unicode, composed or decomposed.

    Raises
    ------
    PermanentError
        `audio-outside-roots`: no root is set, or the path leads out of all of them, links followed.
        `file-not-found`: no root has such a file.
    """
    path = Path(os.path.normpath(_path(uri)))
    if not roots:
        raise PermanentError(
            "audio-outside-roots", f"{uri} is not read: no folder is allowed. Set MUSICSPACE_AUDIO__ROOTS."
        )
    allowed = ", ".join(map(str, roots))
    inside = False
    for root in roots:
        below = _below(path, root)
        if below is None:
            continue
        real = _resolved(_as_spelled(root, below))
        # Only links that lead out are left to refuse here.
        inside = inside or real is None or real.is_relative_to(root.resolve())
        if real is not None and real.is_relative_to(root.resolve()) and real.is_file():
            return real
    if inside:
        raise PermanentError("file-not-found", f"There is no file {uri} in {allowed}.")
    raise PermanentError(
        "audio-outside-roots", f"{uri} leads outside of the allowed folders ({allowed}); see MUSICSPACE_AUDIO__ROOTS."
    )


def find_audio(folder: Path) -> Iterator[Path]:
    """All files in a folder and the folders within that are named like audio, sorted by path.

    Hidden files and folders are skipped, and so are links to folders and links to files outside.
    """
    real_folder = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
                continue
            if path.is_symlink():
                real = _resolved(path)
                if real is None or not real.is_relative_to(real_folder):
                    continue
            if path.is_file():
                yield path


def _path(uri: str) -> Path:
    """The path that a URI means, percent-encoding undone where it is a URL."""
    if "\0" in uri or not uri.strip():
        raise PermanentError("file-not-found", f"{uri!r} is no path of a file.")
    if not uri.lower().startswith("file:"):
        return Path(uri)
    try:
        parts = urlsplit(uri)
        host, path = parts.hostname, unquote(parts.path, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise PermanentError("file-not-found", f"{uri} is no valid file:// URL.") from None
    if host not in (None, "", "localhost") or "\0" in path or not path:
        raise PermanentError("file-not-found", f"{uri} is no URL of a file on this machine.")
    return Path(path)


def _below(path: Path, root: Path) -> Path | None:
    """The path relative to a root, by its letters alone; None where it leads out of it."""
    if path.is_absolute():
        composed = Path(unicodedata.normalize("NFC", str(path)))
        for start in (root.absolute(), root.resolve()):
            if composed.is_relative_to(unicodedata.normalize("NFC", str(start))):
                return Path(*path.parts[len(start.parts) :])
        return None
    return None if path.parts[:1] == ("..",) else path


def _as_spelled(root: Path, below: Path) -> Path:
    """The path with each name in the normal form of Unicode that the folder has it in."""
    found = root
    for name in below.parts:
        spellings = dict.fromkeys([name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))])
        found = next((found / spelling for spelling in spellings if os.path.lexists(found / spelling)), found / name)
    return found


def _resolved(path: Path) -> Path | None:
    """The path with all links followed; None where there is none, or links go round in circles."""
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
