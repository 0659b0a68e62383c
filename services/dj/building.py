"""Build the index of a folder of audio, or bring it up to date: only what is new or changed is listened to."""

import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.audio import Segment
from core.audio_records import to_record
from core.audio_settings import AudioSettings
from core.embedding import AudioEmbedder
from core.errors import PermanentError, RetryableError
from core.settings import Settings
from db.local_index import Analysis, FileEntry, LocalIndex, StoredFile
from services.audio_analysis.file_states import FileState, content_hash, fingerprint
from services.audio_analysis.pipeline import Analyzed, analyze_files
from services.dj.folder_changes import Changes, compare
from services.dj.index_files import read_export, write_export
from services.dj.index_header import BuildRequest, Header, resolve, stored_header
from services.dj.stored_library import library_of

#: Called with what is being done, the steps done and all steps of it (None: not known).
OnStep = Callable[[str, int, int | None], None]

_LOCK = ".lock"
# Whether the export is what the store holds.
_EXPORTED = "exported"
# Other failures, such as a missing permission, can go away without a change of the file.
_REMEMBERED = "audio-"


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that cannot be analyzed; `path` is relative to the folder of audio."""

    path: str
    code: str
    message: str


@dataclass(slots=True)
class BuildSummary:
    """What a build did, and what the index holds."""

    header: Header
    analyzed: int = 0
    unchanged: int = 0  #: Among them files that failed before.
    moved: int = 0
    copies: int = 0  #: New files with the content of another one.
    removed: int = 0
    redone: str | None = None  #: What the index was built with before, where everything had to be analyzed anew.
    tracks: int = 0  #: Tracks to choose from; of files with the same content only one.
    failed: list[FailedFile] = field(default_factory=list)  #: In this build, or in an earlier one.
    seconds: float = 0.0

    @property
    def failed_by_code(self) -> dict[str, int]:
        """How many files failed for each reason."""
        return dict(Counter(file.code for file in self.failed).most_common())


def build_index(request: BuildRequest, settings: Settings, on_step: OnStep) -> BuildSummary:
    """Analyze what is new in a folder of audio and export the index.

    Every finished file is kept at once: a build that is interrupted goes on where it was.

    Raises
    ------
    PermanentError
        `file-not-found`: there is no such folder, or no audio in it; `invalid-option`: the index is another folder's;
        `dj-index-corrupt` or `dj-index-unwritable`; a code of the embedder.
    RetryableError
        `dj-index-busy`: another process is building it.
    """
    started = time.monotonic()
    paths = _audio_in(request.audio_dir, on_step)
    with _locked(request.index_dir), LocalIndex(request.index_dir) as store:
        before = stored_header(store.settings())
        header, audio, embedder = resolve(request, before, settings)
        changes = _changes(request, store, before, header, paths, on_step)
        summary = _settle(store, header, changes)
        if before is not None and before.version != header.version:
            summary.redone = before.version
        decoders = request.jobs or settings.embed.decoders
        for done, failure in enumerate(_listen(request.audio_dir, changes, store, header, audio, embedder, decoders)):
            on_step("Listening", done + 1, len(changes.new))
            summary.analyzed += failure is None
            if failure is not None and not failure.code.startswith(_REMEMBERED):
                summary.failed.append(failure)
        _export(request.index_dir, store, summary, embedder.dimensions, on_step)
    summary.seconds = time.monotonic() - started
    return summary


def _audio_in(folder: Path, on_step: OnStep) -> list[str]:
    from audio.roots import find_audio

    on_step("Looking for audio", 0, None)
    if not folder.is_dir():
        raise PermanentError("file-not-found", f"{folder} is not a folder.")
    paths = sorted(str(path.relative_to(folder)) for path in find_audio(folder))
    if not paths:
        raise PermanentError("file-not-found", f"There is no audio file in {folder}.")
    return paths


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other builds out; the system lifts the lock of a process that dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise PermanentError("dj-index-unwritable", f"{folder} cannot be written ({error.strerror}).") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise RetryableError("dj-index-busy", f"Another process is building the index in {folder}.") from None
    try:
        yield
    finally:
        os.close(lock)


def _changes(
    request: BuildRequest,
    store: LocalIndex,
    before: Header | None,
    header: Header,
    paths: Sequence[str],
    on_step: OnStep,
) -> Changes:
    known = [_forgiven(file) if request.retry_failed else file for file in store.files()]
    changes = compare(
        request.audio_dir, paths, known, header.version, lambda done, total: on_step("Comparing", done, total)
    )
    same_folder = before is None or before.audio_dir == header.audio_dir
    if not same_folder and not {file.path for file in known} & set(paths) and not changes.moved:
        raise PermanentError(
            "invalid-option",
            f"The index in {request.index_dir} is that of {before.audio_dir if before else ''}, and nothing of it is "
            f"in {request.audio_dir}. Choose another --index-dir.",
        )
    return changes


def _forgiven(file: StoredFile) -> StoredFile:
    return file if file.error_code is None else replace(file, version="")


def _settle(store: LocalIndex, header: Header, changes: Changes) -> BuildSummary:
    """Store all that is known without listening."""
    if changes.any:
        store.set_settings({_EXPORTED: "no"})
    store.set_settings(header.as_texts())
    store.rearrange([*changes.touched, *changes.moved], changes.removed)
    for file, path, state in changes.copies:
        store.copy(file, path, state.size_bytes, state.mtime_ns)
    return BuildSummary(
        header,
        unchanged=len(changes.unchanged) + len(changes.touched),
        moved=len(changes.moved),
        copies=len(changes.copies),
        removed=len(changes.removed),
        failed=[FailedFile(path, error.code, error.message) for path, error in changes.unreadable.items()],
    )


def _listen(
    folder: Path,
    changes: Changes,
    store: LocalIndex,
    header: Header,
    audio: AudioSettings,
    embedder: AudioEmbedder,
    decoders: int,
) -> Iterator[FailedFile | None]:
    """Analyze the new files and store each at once; yields, for each, why it failed."""
    if not changes.new:
        return
    files = ((path, folder / path) for path in changes.new)
    for result in analyze_files(files, embedder, audio=audio, decoders=decoders):
        state, path = changes.new[result.key], result.key
        content = _content_of(folder / path, state)
        entry = FileEntry(path, state.size_bytes, state.mtime_ns, content, header.version)
        if isinstance(result, Analyzed):
            store.put(entry, _packed(result))
            yield None
        else:
            failure = FailedFile(path, result.error.code, result.error.message)
            if failure.code.startswith(_REMEMBERED):
                store.put(replace(entry, error_code=failure.code, error_message=failure.message), None)
            yield failure


def _content_of(path: Path, state: FileState) -> str | None:
    """The hash of what was analyzed; None where the file is gone or being written."""
    try:
        content = content_hash(path)
        return content if fingerprint(path) == state else None
    except PermanentError:
        return None


def _packed(result: Analyzed[str]) -> Analysis:
    description, profiles = to_record(result.description)
    intro, outro = (result.vectors[segment].astype("<f4").tobytes() for segment in (Segment.INTRO, Segment.OUTRO))
    return Analysis(json.dumps(description), profiles, intro, outro)


def _export(folder: Path, store: LocalIndex, summary: BuildSummary, dimensions: int, on_step: OnStep) -> None:
    header = summary.header
    exported = _current_export(folder, store, summary)
    if exported is None:
        library, paths = library_of(
            store, header.version, header.space, dimensions, lambda done, total: on_step("Exporting", done, total)
        )
        write_export(folder, header, library, paths)
        store.set_settings({_EXPORTED: "yes"})
        exported = len(library)
    summary.tracks = exported
    summary.failed += [
        FailedFile(file.path, file.error_code, file.error_message or "")
        for file in store.files()
        if file.error_code is not None and file.version == header.version
    ]
    summary.failed.sort(key=lambda file: file.path)


def _current_export(folder: Path, store: LocalIndex, summary: BuildSummary) -> int | None:
    """How many tracks the export has that is there, if it is what would be exported now."""
    if store.settings().get(_EXPORTED) != "yes":
        return None
    try:
        exported = read_export(folder)
    except PermanentError:
        return None
    return len(exported.library) if exported.header == summary.header else None
