"""A folder of audio files as a playlist: names come from tags, else from paths."""

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from audio.roots import find_audio, locate
from core.audio_settings import AudioSettings
from core.errors import MusicSpaceError, PermanentError
from core.settings import ImportSettings, Settings
from core.telemetry import get_logger
from db.repositories.audio_reports import move_audio, staged_elsewhere, staged_with_audio
from services.audio_analysis.jobs import analyze_imported, require_audio
from services.importing import ImportSummary, import_playlist
from services.playlists.m3u import name_from_path
from services.playlists.reader import PlaylistFile, rows_from_objects

log = get_logger(__name__)

OnProgress = Callable[[int, int], None]

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_LONGEST_S = 24 * 3600


def read_folder(
    folder: Path, audio: AudioSettings, limits: ImportSettings, on_progress: OnProgress | None = None
) -> PlaylistFile:
    """The audio files of a folder and those below it, as rows to import. Files are read for their tags alone.

    Raises
    ------
    ConfigurationError
        `audio-disabled`: no folder may be read from.
    PermanentError
        `file-not-found`: no such folder, or no audio in it; `audio-outside-roots`.
    """
    require_audio(audio)
    if not folder.is_dir():
        raise PermanentError("file-not-found", f"{folder} is no folder.")
    root = _root_of(folder, audio)
    paths = sorted(find_audio(folder.resolve()))
    if not paths:
        raise PermanentError("file-not-found", f"{folder} holds no audio files.")
    objects = []
    for done, path in enumerate(paths, start=1):
        objects.append(_as_object(path, root, audio))
        if on_progress is not None:
            on_progress(done, len(paths))
    playlist = rows_from_objects(objects, limits)
    playlist.name = folder.resolve().name
    return playlist


def import_files(
    session: Session, files: PlaylistFile, settings: Settings, *, user_id: int, name: str
) -> tuple[ImportSummary, int]:
    """Import what `read_folder` found and enqueue its analysis; also how many known tracks moved. The caller commits.

    Raises
    ------
    PermanentError
        `invalid-option`: the name of the playlist.
    """
    summary = import_playlist(
        session,
        files,
        user_id=user_id,
        name=name,
        predictor=settings.enrich.predictor,
        chunk_size=settings.enrich.chunk_size,
        look_up=True,
    )
    moved = follow_moved_files(session, settings.audio)
    job_id = analyze_imported(session, settings.audio, staged_with_audio(session), summary.job_id)
    return replace(summary, analyze_job=job_id), moved


def follow_moved_files(session: Session, audio: AudioSettings) -> int:
    """Within an import of files that are there: known tracks whose own file is gone get the new place."""
    moved = {track_id: staged for track_id, stored, staged in staged_elsewhere(session) if not _is_there(stored, audio)}
    if moved:
        move_audio(session, moved)
    return len(moved)


def _root_of(folder: Path, audio: AudioSettings) -> Path:
    resolved = folder.resolve()
    for root in audio.roots:
        if resolved.is_relative_to(root.resolve()):
            return root.resolve()
    roots = ", ".join(map(str, audio.roots)) or "none"
    raise PermanentError(
        "audio-outside-roots",
        f"{folder} is in none of the folders that audio may be read from ({roots}). Add it to MUSICSPACE_AUDIO__ROOTS.",
    )


def _is_there(uri: str, audio: AudioSettings) -> bool:
    try:
        return locate(uri, audio.roots).is_file()
    except MusicSpaceError:
        return False


def _as_object(path: Path, root: Path, audio: AudioSettings) -> dict[str, Any]:
    """The fields of `services.playlists.columns` that the file's tags and its path give."""
    relative = path.relative_to(root)
    fields = _tags(path)
    # Relative paths hold on other machines and in containers, unless an earlier root has the same one.
    is_first = _is_there(str(relative), audio) and locate(str(relative), audio.roots).samefile(path)
    fields["audio_uri"] = str(relative if is_first else path)
    named: dict[str, str] = {name: "" for name in ("artist", "title") if fields.get(name)}
    name_from_path(path.name, named)
    for name, text in named.items():
        fields.setdefault(name, text)
    fields.setdefault("artist", path.parent.name)
    fields.setdefault("title", path.stem)
    return fields


def _tags(path: Path) -> dict[str, Any]:
    from tinytag import TinyTag, TinyTagException

    try:
        tag = TinyTag.get(path)
    except (TinyTagException, OSError, ValueError, LookupError, struct.error, ArithmeticError, TypeError) as error:
        # A file without readable tags is imported by its name; whether it can be heard is the analysis' concern.
        log.info("tags_unreadable", path=str(path), reason=f"{type(error).__name__}: {error}")
        return {}
    year = _YEAR.search(tag.year or "")
    known = {
        "artist": [name.strip() for name in (tag.artist, *tag.other.get("artist", ())) if name and name.strip()],
        "title": (tag.title or "").strip(),
        "album": (tag.album or "").strip(),
        "duration_ms": _duration_ms(tag.duration),
        "release_year": year[0] if year else None,
        "genre": (tag.genre or "").strip(),
    }
    return {name: value for name, value in known.items() if value}


def _duration_ms(seconds: float | None) -> int | None:
    """None for what damaged headers claim."""
    return round(seconds * 1000) if seconds is not None and 0 < seconds <= _LONGEST_S else None
