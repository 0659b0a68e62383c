"""What a second look at a folder finds, and what the store keeps: moved, copied, touched, changed, removed files."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import PermanentError
from db.local_index import FILE_NAME, Analysis, FileEntry, LocalIndex
from services.audio_analysis.file_states import content_hash, fingerprint
from services.dj.folder_changes import Changes, compare

ANALYSIS = Analysis("{}", b"p", b"i", b"o")
VERSION = "1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, one with a Korean name."""
    audio = tmp_path / "음악"
    audio.mkdir()
    for name in ("a.wav", "b.wav", "좋은 날.wav"):
        (audio / name).write_bytes(name.encode() * 100)
    return audio


@pytest.fixture
def index(folder: Path, tmp_path: Path):
    """A store that knows the three; the last one as broken."""
    with LocalIndex(tmp_path) as store:
        for path in sorted(folder.iterdir()):
            state = fingerprint(path)
            code = "audio-corrupt" if path.name.startswith("좋") else None
            entry = FileEntry(
                path.name, state.size_bytes, state.mtime_ns, content_hash(path), VERSION, code, code and "\udcff"
            )
            store.put(entry, None if code else ANALYSIS)
        yield store


def look(folder: Path, index: LocalIndex, version: str = VERSION) -> Changes:
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.wav"))
    return compare(folder, paths, index.files(), version, lambda done, total: None)


def ids(index: LocalIndex) -> dict[str, int]:
    return {row.path: row.id for row in index.files()}


def rearrange(index: LocalIndex, changes: Changes) -> None:
    index.rearrange([*changes.touched, *changes.moved], changes.removed)


def test_nothing_changed_is_nothing_to_do(folder: Path, index: LocalIndex) -> None:
    changes = look(folder, index)
    assert len(changes.unchanged) == 3
    assert (changes.new, changes.moved, changes.touched, changes.copies, changes.removed) == ({}, [], [], [], [])


def test_another_version_makes_everything_anew_under_the_same_ids(folder: Path, index: LocalIndex) -> None:
    changes = look(folder, index, "2")
    assert set(changes.new) == {"a.wav", "b.wav", "좋은 날.wav"}
    assert changes.removed == []


def test_a_touched_file_is_known_by_its_content(folder: Path, index: LocalIndex) -> None:
    os.utime(folder / "a.wav", ns=(1, 1))
    changes = look(folder, index)
    assert [move.path for move in changes.touched] == ["a.wav"]
    rearrange(index, changes)
    assert len(look(folder, index).unchanged) == 3


def test_a_renamed_file_keeps_its_id(folder: Path, index: LocalIndex) -> None:
    before = ids(index)
    (folder / "sub").mkdir()
    (folder / "a.wav").rename(folder / "sub" / "c.wav")
    changes = look(folder, index)
    assert ([move.path for move in changes.moved], changes.new, changes.removed) == (["sub/c.wav"], {}, [])
    rearrange(index, changes)
    assert ids(index)["sub/c.wav"] == before["a.wav"]


def test_two_files_may_swap_their_names(folder: Path, index: LocalIndex) -> None:
    before = ids(index)
    (folder / "a.wav").rename(folder / "c.wav")
    (folder / "b.wav").rename(folder / "a.wav")
    (folder / "c.wav").rename(folder / "b.wav")
    changes = look(folder, index)
    assert (len(changes.moved), changes.new, changes.removed) == (2, {}, [])
    rearrange(index, changes)
    assert (ids(index)["a.wav"], ids(index)["b.wav"]) == (before["b.wav"], before["a.wav"])


def test_a_file_that_takes_the_name_of_another_replaces_it(folder: Path, index: LocalIndex) -> None:
    before = ids(index)
    (folder / "a.wav").replace(folder / "b.wav")
    changes = look(folder, index)
    assert ([move.path for move in changes.moved], changes.removed) == (["b.wav"], [before["b.wav"]])
    rearrange(index, changes)
    assert ids(index)["b.wav"] == before["a.wav"]


def test_a_changed_file_is_heard_again_and_keeps_its_id(folder: Path, index: LocalIndex) -> None:
    (folder / "a.wav").write_bytes(b"other" * 100)
    changes = look(folder, index)
    assert (set(changes.new), changes.removed) == ({"a.wav"}, [])
    before = ids(index)
    index.put(FileEntry("a.wav", 500, 1, "x", VERSION), ANALYSIS)
    assert ids(index) == before


def test_a_copy_is_not_heard_again_and_not_offered_twice(folder: Path, index: LocalIndex) -> None:
    (folder / "copy.wav").write_bytes((folder / "a.wav").read_bytes())
    (file, path, state) = look(folder, index).copies[0]
    assert (file.path, path) == ("a.wav", "copy.wav")
    index.copy(file, path, state.size_bytes, state.mtime_ns)
    assert len(look(folder, index).unchanged) == 4
    assert [path for _, path, _ in index.analyses(VERSION)] == ["a.wav", "b.wav"]
    assert index.find(content_hash(folder / "copy.wav"), VERSION) == ids(index)["a.wav"]


def test_deleted_files_leave(folder: Path, index: LocalIndex) -> None:
    (folder / "a.wav").unlink()
    rearrange(index, look(folder, index))
    assert set(ids(index)) == {"b.wav", "좋은 날.wav"}
    assert [path for _, path, _ in index.analyses(VERSION)] == ["b.wav"]


def test_a_file_that_cannot_be_looked_at_is_told(folder: Path, index: LocalIndex) -> None:
    (folder / "gone.wav").symlink_to(folder / "nowhere")
    assert look(folder, index).unreadable["gone.wav"].code == "file-not-found"


def test_names_need_not_be_text(folder: Path, index: LocalIndex) -> None:
    name = os.fsdecode(b"\xff\xfe.wav")
    (folder / name).write_bytes(b"x")
    assert set(look(folder, index).new) == {name}
    index.put(FileEntry(name, 1, fingerprint(folder / name).mtime_ns, "h", VERSION), ANALYSIS)
    assert len(look(folder, index).unchanged) == 4


def test_what_was_put_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from db.local_index import *
store = LocalIndex(Path({str(tmp_path)!r}))
store.put(FileEntry("a", 1, 1, "h", "1"), Analysis("d", b"p", b"i", b"o"))
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("DELETE FROM files")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    with LocalIndex(tmp_path) as store:
        assert [row.path for row in store.files()] == ["a"]


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"nonsense" * 1000)
    with pytest.raises(PermanentError, match="cannot be read") as told:
        LocalIndex(tmp_path)
    assert told.value.code == "dj-index-corrupt"


def test_a_store_of_another_format_is_told(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE_NAME).execute("PRAGMA user_version = 99")
    with pytest.raises(PermanentError, match="format 99") as told:
        LocalIndex(tmp_path)
    assert told.value.code == "dj-index-corrupt"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as told:
        LocalIndex(tmp_path / "none")
    assert told.value.code == "dj-index-unwritable"
