"""What happened to a folder of audio since its index was built: which files must be heard, which are known."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import PermanentError
from db.local_index import Move, StoredFile
from services.audio_analysis.file_states import FileState, content_hash, fingerprint

#: Called with the number of files whose content was read to compare it, and how many will be.
OnCompared = Callable[[int, int], None]


@dataclass(slots=True)
class Changes:
    """The difference between a folder and its index. Paths are relative to the folder."""

    new: dict[str, FileState] = field(default_factory=dict)  #: To be analyzed.
    unchanged: list[StoredFile] = field(default_factory=list)  #: Neither size nor time changed.
    touched: list[Move] = field(default_factory=list)  #: Same path and content, another time.
    moved: list[Move] = field(default_factory=list)  #: Same content at another path.
    copies: list[tuple[StoredFile, str, FileState]] = field(default_factory=list)  #: Same content at a second path.
    removed: list[int] = field(default_factory=list)  #: Ids of content that is nowhere any more.
    unreadable: dict[str, PermanentError] = field(default_factory=dict)  #: Could not even be looked at.

    @property
    def any(self) -> bool:
        """Whether the index changes."""
        return bool(self.new or self.moved or self.copies or self.removed)


def compare(
    folder: Path, paths: Sequence[str], known: Sequence[StoredFile], version: str, on_compared: OnCompared
) -> Changes:
    """Compare the files of a folder with what its index knows.

    Only files whose size a known content has are read. An analysis of another `version` is not known content.
    """
    changes = Changes()
    rows = {row.path: row for row in known}
    open_files: dict[str, FileState] = {}
    for path in paths:
        try:
            state = fingerprint(folder / path)
        except PermanentError as error:
            changes.unreadable[path] = error
            continue
        row = rows.get(path)
        if row is not None and row.version == version and (row.size_bytes, row.mtime_ns) == _values(state):
            changes.unchanged.append(row)
        else:
            open_files[path] = state
    contents: dict[str, list[StoredFile]] = defaultdict(list)
    for row in known:
        if row.version == version and row.content_hash is not None:
            contents[row.content_hash].append(row)
    sizes = {row.size_bytes for same in contents.values() for row in same}
    candidates = [path for path, state in open_files.items() if state.size_bytes in sizes]
    _recognize(open_files, _hashes(folder, candidates, on_compared), contents, changes)
    settled = {row.id for row in changes.unchanged} | {move.file_id for move in (*changes.touched, *changes.moved)}
    # A file whose content changed keeps its id.
    staying = {*changes.new, *(path for _, path, _ in changes.copies)}
    changes.removed = [row.id for row in known if row.id not in settled and row.path not in staying]
    return changes


def _recognize(
    open_files: Mapping[str, FileState],
    hashes: Mapping[str, str],
    contents: Mapping[str, Sequence[StoredFile]],
    changes: Changes,
) -> None:
    """Sort files that are not as they were, by their content."""
    settled = {row.id for row in changes.unchanged}

    def stayed(path: str) -> bool:
        return any(row.path == path for row in contents.get(hashes.get(path, ""), ()))

    # Files that kept their path go first, so that no copy takes their place.
    for path in sorted(open_files, key=lambda path: (not stayed(path), path)):
        state, same = open_files[path], contents.get(hashes.get(path, ""), ())
        free = sorted((row for row in same if row.id not in settled), key=lambda row: row.path != path)
        if free:
            settled.add(free[0].id)
            group = changes.touched if free[0].path == path else changes.moved
            group.append(Move(free[0].id, path, *_values(state)))
        elif same:
            changes.copies.append((same[0], path, state))
        else:
            changes.new[path] = state


def _hashes(folder: Path, paths: Sequence[str], on_compared: OnCompared) -> dict[str, str]:
    hashes = {}
    for done, path in enumerate(paths):
        on_compared(done, len(paths))
        try:
            hashes[path] = content_hash(folder / path)
        except PermanentError:
            # Unreadable by now: the analysis will meet the same, and tell it.
            continue
    return hashes


def _values(state: FileState) -> tuple[int, int]:
    return state.size_bytes, state.mtime_ns
