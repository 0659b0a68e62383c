"""The part of an audio file that is uploaded."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.errors import PermanentError
from integrations.audio_clip import MAX_UPLOAD_BYTES, first_seconds


def _write(path: Path, seconds: float, rate_hz: int = 44_100, channels: int = 2) -> Path:
    samples = np.random.default_rng(1).uniform(-1.2, 1.2, (int(seconds * rate_hz), channels))
    soundfile.write(path, samples.clip(-1, 1), rate_hz)
    return path


@pytest.mark.parametrize(("rate_hz", "expected_hz"), [(8_000, 8_000), (44_100, 44_100), (48_000, 48_000)])
def test_thirty_seconds_in_mono(rate_hz: int, expected_hz: int, tmp_path: Path) -> None:
    clip = first_seconds(_write(tmp_path / "long.wav", 45, rate_hz))
    assert clip.seconds == pytest.approx(30)
    assert len(clip.content) < MAX_UPLOAD_BYTES
    samples, rate = soundfile.read(io.BytesIO(clip.content), always_2d=True)
    assert rate == clip.sample_rate_hz == expected_hz
    assert samples.shape == (30 * expected_hz, 1)


def test_high_rates_are_divided(tmp_path: Path) -> None:
    clip = first_seconds(_write(tmp_path / "high.wav", 31, 192_000, 1))
    assert clip.sample_rate_hz == 48_000
    assert len(clip.content) < MAX_UPLOAD_BYTES


def test_the_mix_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    left = np.full((44_100 * 6, 2), [0.5, -0.1])
    soundfile.write(tmp_path / "two.flac", left, 44_100)
    samples, _ = soundfile.read(io.BytesIO(first_seconds(tmp_path / "two.flac").content))
    assert samples == pytest.approx(0.2, abs=1e-3)


def test_a_short_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"holds 2\.0 s") as caught:
        first_seconds(_write(tmp_path / "short.ogg", 2.0))
    assert caught.value.code == "audio-unreadable"
    assert first_seconds(_write(tmp_path / "enough.ogg", 6.0)).seconds == pytest.approx(6)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all" * 100])
def test_what_cannot_be_decoded_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.mp3"
    path.write_bytes(content)
    with pytest.raises(PermanentError, match=r"odd\.mp3 cannot be read as audio") as caught:
        first_seconds(path)
    assert caught.value.code == "audio-unreadable"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["missing.wav", "."])
def test_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="There is no file"):
        first_seconds(tmp_path / name)
