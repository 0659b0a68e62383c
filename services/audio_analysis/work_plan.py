"""Sort the tracks of a work item: which files are listened to, and which are known already.

A file is known if its size and time of change are those stored, else if its content is, wherever it lies by now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from sqlalchemy.orm import Session

from audio.roots import is_url, locate
from core.audio import DESCRIPTORS_VERSION
from core.audio_settings import AudioSettings
from core.errors import MusicSpaceError, PermanentError
from core.telemetry import get_logger
from db.repositories.audio import AudioRow, StoredAudio, find_same_content, read_stored
from services.audio_analysis.file_states import FileState, content_hash, fingerprint

log = get_logger(__name__)

_MAX_MESSAGE = 1000


class Mode(StrEnum):
    """What is listened to."""

    CHANGED = "changed"  #: Files that are new, changed, or were analyzed by an older version or for another space.
    RETRY_FAILED = "retry-failed"  #: These, and files that could not be analyzed.
    ALL = "all"  #: All files.


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a URL (without `path`), to listen to."""

    track_id: int
    uri: str
    path: Path | None = None
    state: FileState | None = None
    content_hash: str | None = None

    @property
    def row(self) -> AudioRow:
        """The row to store, as far as the file itself gives it."""
        size, time = (self.state.size_bytes, self.state.mtime_ns) if self.state else (None, None)
        return AudioRow(self.track_id, self.uri, DESCRIPTORS_VERSION, size, time, self.content_hash)


@dataclass(slots=True)
class Plan:
    """What is to be done about each track of an item."""

    stored: dict[int, StoredAudio]
    to_hear: list[Source] = field(default_factory=list)
    copies: list[tuple[Source, int]] = field(default_factory=list)  #: With the track that has the same content.
    touched: list[Source] = field(default_factory=list)  #: Of known content in a new place or with a new date.
    failures: list[AudioRow] = field(default_factory=list)  #: Files that cannot be opened.
    without_audio: list[int] = field(default_factory=list)  #: Tracks whose audio was taken away.
    unchanged: int = 0
    unreachable: int = 0  #: Files that cannot be opened now; what was heard in them stays.


def make_plan(session: Session, track_ids: Sequence[int], *, mode: Mode, space: str, audio: AudioSettings) -> Plan:
    """Look at the tracks' files and at what is stored of them; nothing is written."""
    stored = read_stored(session, track_ids, space)
    plan = Plan({track.track_id: track for track in stored})
    for track in stored:
        if track.audio_uri is None:
            plan.without_audio.append(track.track_id)
        else:
            _look_at(plan, track, track.audio_uri, mode, audio)
    if plan.unreachable:
        log.warning("analyzed_audio_unreachable", tracks=plan.unreachable, hint="is the music mounted here?")
    if mode is not Mode.ALL:
        _find_copies(session, plan, space)
    return plan


def _look_at(plan: Plan, track: StoredAudio, uri: str, mode: Mode, audio: AudioSettings) -> None:
    if is_url(uri):
        # What a URL leads to is taken to stay the same; asking each time would mean fetching it each time.
        known = track.uri == uri and track.content_hash is not None and _is_settled(track, mode)
        if known:
            plan.unchanged += 1
        else:
            plan.to_hear.append(Source(track.track_id, uri))
        return
    try:
        path = locate(uri, audio.roots)
        state = fingerprint(path)
        settled = _is_settled(track, mode)
        if settled and track.uri == uri and state == _state_of(track):
            plan.unchanged += 1
            return
        source = Source(track.track_id, uri, path, state, content_hash(path))
    except PermanentError as error:
        note_unreachable(plan, track, uri, error)
        return
    if settled and source.content_hash == track.content_hash:
        plan.touched.append(source)
    else:
        plan.to_hear.append(source)


def _is_settled(track: StoredAudio, mode: Mode) -> bool:
    """Whether nothing needs to be heard as long as the content is the same."""
    if mode is Mode.ALL or track.version != DESCRIPTORS_VERSION:
        return False
    if track.error_code is not None:
        return mode is not Mode.RETRY_FAILED
    return track.described and track.embedded


def _state_of(track: StoredAudio) -> FileState | None:
    if track.size_bytes is None or track.mtime_ns is None:
        return None
    return FileState(track.size_bytes, track.mtime_ns)


def note_unreachable(plan: Plan, track: StoredAudio, uri: str, error: MusicSpaceError) -> None:
    """A file cannot be had. A folder that is not mounted today must not cost what was heard yesterday."""
    log.info("audio_unreachable", track_id=track.track_id, code=error.code, reason=error.message)
    if track.described and track.uri == uri:
        plan.unreachable += 1
    else:
        plan.failures.append(failed(Source(track.track_id, uri), error))


def failed(source: Source, error: MusicSpaceError) -> AudioRow:
    """The row of a file that cannot be analyzed."""
    # What libraries say of damaged files may hold what Postgres cannot store: NUL, halves of characters.
    message = error.message.replace("\0", "").encode("utf-8", "replace").decode()[:_MAX_MESSAGE]
    return replace(source.row, error_code=error.code, error_message=message)


def _find_copies(session: Session, plan: Plan, space: str) -> None:
    """Tracks with the content of an analyzed one, or of one that this item is about to analyze, copy it."""
    twins = find_same_content(session, _hashes(plan.to_hear), DESCRIPTORS_VERSION, space)
    to_hear: list[Source] = []
    for source in plan.to_hear:
        twin = twins.get(source.content_hash) if source.content_hash else None
        if twin is None or twin == source.track_id:
            to_hear.append(source)
            if source.content_hash:
                twins[source.content_hash] = source.track_id
        else:
            plan.copies.append((source, twin))
    plan.to_hear = to_hear


def _hashes(sources: Iterable[Source]) -> list[str]:
    return [source.content_hash for source in sources if source.content_hash is not None]
