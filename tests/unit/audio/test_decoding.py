"""What is decoded of a file, and how exactly."""

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.decoding import DecodeLimits, decode
from core.audio import HEAD_SECONDS
from core.errors import PermanentError

RATE_HZ = 44_100


def music(seconds: float, rate_hz: int = RATE_HZ, channels: int = 2) -> NDArray[np.float32]:
    """Tones that tell positions apart: the pitch rises with time, float32 [n, channels]."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    y = 0.3 * np.sin(2 * np.pi * (200 * t + t**2))
    return np.stack([y / (1 + channel) for channel in range(channels)], axis=1).astype(np.float32)


def encode(y: NDArray[np.float32], path: Path, codec: str, container: str, rate_hz: int = RATE_HZ, **mux: str) -> Path:
    """Write samples by FFmpeg's encoders."""
    layout = "stereo" if y.shape[1] == 2 else "mono"
    with av.open(str(path), "w", format=container, options=mux) as out:
        stream: Any = out.add_stream(codec, rate=rate_hz, layout=layout)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate_hz)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def delay(y: NDArray[np.float32], original: NDArray[np.float32]) -> int:
    """Samples that a decoded signal comes late by."""
    size = 1 << 18
    first, second = y[: size // 2], original[: size // 2]
    shift = int(np.argmax(np.fft.irfft(np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size)))))
    return shift if shift < size // 2 else shift - size


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW"])
def test_every_width_of_sample(subtype: str, tmp_path: Path) -> None:
    y = music(3)
    soundfile.write(tmp_path / "a.wav", y, RATE_HZ, subtype=subtype)
    recording = decode(tmp_path / "a.wav")
    assert recording.head.dtype == np.float32
    assert recording.head == pytest.approx(y.mean(axis=1), abs=0.02 if subtype in ("PCM_U8", "ALAW") else 1e-4)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (22_050, 2), (48_000, 6), (96_000, 2), (192_000, 2)])
def test_rates_and_channels(rate_hz: int, channels: int, tmp_path: Path) -> None:
    y = music(3, rate_hz, channels)
    soundfile.write(tmp_path / "a.wav", y, rate_hz)
    recording = decode(tmp_path / "a.wav")
    assert (recording.rate_hz, recording.duration_s) == (rate_hz, pytest.approx(3.0))
    assert recording.head == pytest.approx(y.mean(axis=1), abs=1e-3)
    assert len(recording.head_at(22_050)) == pytest.approx(3 * 22_050, abs=1)


@pytest.mark.parametrize(
    ("name", "codec", "container", "most_delay"),
    [
        ("a.mp3", "libmp3lame", "mp3", 0),
        ("a.m4a", "aac", "mp4", 0),
        ("a.aac", "aac", "adts", 1_024),
        ("a.opus", "libopus", "ogg", 0),
        ("a.mka", "flac", "matroska", 0),
        ("alac.m4a", "alac", "mp4", 0),
    ],
)
def test_compressed_formats_keep_time(name: str, codec: str, container: str, most_delay: int, tmp_path: Path) -> None:
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    y = music(6, rate_hz)
    recording = decode(encode(y, tmp_path / name, codec, container, rate_hz))
    mono = y.mean(axis=1)
    assert recording.duration_s == pytest.approx(6.0, abs=0.1)
    assert -2 <= delay(recording.head, mono) <= most_delay + 2
    # LAME lowers the level by 5 %.
    assert np.square(recording.head).mean() == pytest.approx(np.square(mono).mean(), rel=0.12)


LONG_RATE_HZ = 16_000


def _long(folder: Path, kind: str) -> tuple[Path, NDArray[np.float32]]:
    y = music(200, LONG_RATE_HZ, 1)
    path = folder / f"long.{kind}"
    if kind in ("wav", "flac", "ogg"):
        # libsndfile's encoder of Vorbis overflows its stack on large writes.
        with soundfile.SoundFile(path, "w", LONG_RATE_HZ, 1) as file:
            for start in range(0, len(y), LONG_RATE_HZ):
                file.write(y[start : start + LONG_RATE_HZ])
    else:
        codec, container = {"mp3": ("libmp3lame", "mp3"), "m4a": ("aac", "mp4"), "aac": ("aac", "adts")}[kind]
        mux = {"write_xing": "0"} if kind == "mp3" else {}
        encode(y, path, codec, container, LONG_RATE_HZ, **mux)
    return path, y[:, 0]


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "m4a", "aac"])
def test_head_and_tail_of_a_long_recording(kind: str, tmp_path: Path) -> None:
    path, mono = _long(tmp_path, kind)
    recording = decode(path, DecodeLimits(outro_seconds=30))
    assert recording.duration_s == pytest.approx(200.0, abs=0.2)
    assert len(recording.head) == HEAD_SECONDS * LONG_RATE_HZ
    assert recording.tail_start_s == pytest.approx(160.0, abs=0.2)
    # The tail is where it says it is, up to the delay of the encoder, which the head has too.
    expected = mono[round(recording.tail_start_s * LONG_RATE_HZ) :]
    assert abs(delay(recording.tail, expected) - delay(recording.head, mono)) <= 2
    assert recording.outro_start_s(30) == pytest.approx(170.0, abs=0.2)
    assert len(recording.tail_at(8_000)) == pytest.approx(40 * 8_000, abs=2)
    assert len(pickle.dumps(recording)) < 4 * LONG_RATE_HZ * 162


def test_a_tail_that_touches_the_head(tmp_path: Path) -> None:
    y = music(130, 8_000, 1)
    soundfile.write(tmp_path / "a.wav", y, 8_000)
    recording = decode(tmp_path / "a.wav")
    assert len(recording.rest) == 10 * 8_000
    assert recording.tail == pytest.approx(y[90 * 8_000 :, 0], abs=1e-3)
    assert recording.tail_start_s == pytest.approx(90.0)


def test_a_short_recording_is_its_own_tail(tmp_path: Path) -> None:
    y = music(50, 8_000, 1)
    soundfile.write(tmp_path / "a.wav", y, 8_000)
    recording = pickle.loads(pickle.dumps(decode(tmp_path / "a.wav")))
    assert not len(recording.rest)
    assert recording.tail == pytest.approx(recording.head[10 * 8_000 :])
    assert np.shares_memory(recording.tail_at(4_000), recording.head_at(4_000))
    assert len(recording.tail_at(4_000)) == 40 * 4_000


def test_silence_around_the_music_belongs_to_neither_intro_nor_outro(tmp_path: Path) -> None:
    quiet = np.zeros((8_000 * 4, 1), np.float32)
    soundfile.write(tmp_path / "a.wav", np.concatenate([quiet, music(80, 8_000, 1), quiet]), 8_000)
    recording = decode(tmp_path / "a.wav")
    assert recording.intro_start_s(30) == pytest.approx(4.0, abs=0.1)
    assert recording.outro_start_s(30) == pytest.approx(54.0, abs=0.1)
    assert recording.intro_start_s(87) == pytest.approx(1.0, abs=0.1)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    encode(music(3), tmp_path / "really.mp3", "libmp3lame", "mp3")
    for name in ("노래 №1.wav", "x.raw", "noextension"):
        (tmp_path / name).write_bytes((tmp_path / "really.mp3").read_bytes())
        assert decode(tmp_path / name).duration_s == pytest.approx(3.0, abs=0.1)


def test_one_clip_in_five_formats(shared_data: Path) -> None:
    clips = [
        decode(shared_data / "audio" / "clips" / f"dubstep.{kind}") for kind in ("wav", "flac", "mp3", "ogg", "aac")
    ]
    for clip in clips:
        assert clip.duration_s == pytest.approx(6.85, abs=0.06)
        assert abs(delay(clip.head, clips[0].head)) < 0.03 * RATE_HZ


@pytest.mark.parametrize(("codec", "container"), [("libmp3lame", "mp3"), ("aac", "adts")])
def test_channels_that_change_on_the_way(codec: str, container: str, tmp_path: Path) -> None:
    stereo = encode(music(6), tmp_path / "a", codec, container).read_bytes()
    mono = encode(music(6, channels=1), tmp_path / "b", codec, container).read_bytes()
    path = tmp_path / "c"
    path.write_bytes(stereo * 4 + mono[:500])
    assert decode(path).duration_s == pytest.approx(24, abs=0.5)
    path.write_bytes(stereo + mono)
    with pytest.raises(PermanentError) as caught:
        decode(path)
    assert caught.value.code == "audio-corrupt"
