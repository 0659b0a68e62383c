"""What tells whether a file changed."""

import os
from pathlib import Path

import pytest

from core.errors import PermanentError
from services.audio_analysis.file_states import content_hash, fingerprint


def test_content_decides_the_hash(tmp_path: Path) -> None:
    first, copy, other = tmp_path / "노래.mp3", tmp_path / "moved.mp3", tmp_path / "other.mp3"
    content = os.urandom(3_000_000)
    first.write_bytes(content)
    copy.write_bytes(content)
    other.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert content_hash(first) == content_hash(copy) != content_hash(other)
    assert len(content_hash(first)) == 40


def test_writing_changes_the_state_and_reading_does_not(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1_700_000_000_000_000_123))
    before = fingerprint(path)
    path.read_bytes()
    assert fingerprint(path) == before
    assert before.mtime_ns == 1_700_000_000_000_000_123
    path.write_bytes(b"two")
    assert fingerprint(path) != before


@pytest.mark.parametrize("name", ["missing", "", "a\0b"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    for ask in (fingerprint, content_hash):
        if name or ask is content_hash:
            with pytest.raises(PermanentError) as caught:
                ask(tmp_path / name)
            assert caught.value.code == "file-not-found"
