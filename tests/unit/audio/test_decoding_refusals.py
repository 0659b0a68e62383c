"""Each kind of trouble has its code, and no file stays open."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.decoding import DecodeLimits, decode
from core.errors import PermanentError

RATE_HZ = 8_000


def _code(path: Path, limits: DecodeLimits | None = None) -> str:
    with pytest.raises(PermanentError) as caught:
        decode(path, limits)
    assert str(path) in caught.value.message
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.code


def _write(path: Path, y: np.ndarray, subtype: str | None = None) -> Path:
    soundfile.write(path, y, RATE_HZ, subtype=subtype)
    return path


def _noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * RATE_HZ))


def test_what_is_no_file(tmp_path: Path) -> None:
    assert _code(tmp_path / "missing.mp3") == "file-not-found"
    assert _code(tmp_path) == "audio-unreadable"
    assert _code(Path("/dev/zero")) == "audio-unreadable"
    os.mkfifo(tmp_path / "pipe.wav")
    assert _code(tmp_path / "pipe.wav") == "audio-unreadable"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.mp3", b"", "audio-empty"),
        ("a.mp3", b"no audio at all " * 500, "audio-unreadable"),
        ("a.wav", bytes(5_000), "audio-unreadable"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(3_000), "audio-unreadable"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVE", "audio-corrupt"),
        ("a.flac", b"fLaC" + bytes(2_000), "audio-corrupt"),
        ("a.ogg", b"OggS" + bytes(2_000), "audio-corrupt"),
        ("a.m4a", b"\x00\x00\x00\x20ftypM4A " + bytes(2_000), "audio-corrupt"),
        ("a.mp3", b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(5_000), "audio-corrupt"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.aac\n", "audio-unreadable"),
        ("a.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", "audio-unreadable"),
    ],
)
def test_what_is_no_audio(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert _code(tmp_path / name) == code


def test_lengths(tmp_path: Path) -> None:
    assert _code(_write(tmp_path / "none.wav", np.zeros(0))) == "audio-empty"
    assert _code(_write(tmp_path / "short.wav", _noise(1.9))) == "audio-too-short"
    path = _write(tmp_path / "long.wav", _noise(70))
    assert _code(path, DecodeLimits(max_minutes=1)) == "audio-too-long"
    assert _code(path, DecodeLimits(max_bytes=1_000)) == "audio-too-long"
    assert decode(path).duration_s == 70


def test_silence(tmp_path: Path) -> None:
    assert _code(_write(tmp_path / "a.wav", np.zeros(RATE_HZ * 3))) == "audio-silent"
    assert _code(_write(tmp_path / "b.wav", _noise(3) * 2e-4, "PCM_24")) == "audio-silent"
    late = np.concatenate([np.zeros(RATE_HZ * 125), _noise(10)])
    assert decode(_write(tmp_path / "c.wav", late)).duration_s == 135


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("at", [10, RATE_HZ * 139])
def test_samples_that_are_no_numbers(value: float, at: int, tmp_path: Path) -> None:
    y = _noise(140)
    y[at] = value
    assert _code(_write(tmp_path / "a.wav", y, "FLOAT")) == "audio-corrupt"


def test_a_file_that_breaks_off(tmp_path: Path) -> None:
    content = _write(tmp_path / "a.flac", _noise(30)).read_bytes()
    for share, expected in ((0.9, 27.0), (0.3, None)):
        path = tmp_path / f"{share}.flac"
        path.write_bytes(content[: int(len(content) * share)])
        if expected is None:
            assert _code(path) == "audio-corrupt"
        else:
            assert decode(path).duration_s == pytest.approx(expected, abs=1.0)


def test_a_length_that_is_a_lie(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.wav", _noise(10))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(content)
    assert decode(path).duration_s == pytest.approx(10, abs=0.01)


def test_no_file_stays_open(tmp_path: Path) -> None:
    (tmp_path / "bad.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(2_000))
    good = _write(tmp_path / "good.flac", _noise(3))
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list open files")
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        _code(tmp_path / "bad.m4a")
        decode(good)
    assert len(list(descriptors.iterdir())) == before
