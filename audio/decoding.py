"""Decode the parts of an audio file that are analyzed: at most the first two minutes, and the end.

What is tolerated, and what is not: a file that breaks off early counts as the recording it still holds, as long as that
is at least half of the length that it states. Packets that cannot be decoded become silence, as long as they are few.
What is damaged further is refused, rather than described by what happens to be left.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.decoders import DecodingError, Source
from audio.decoders.ffmpeg import FfmpegSource
from audio.decoders.libsndfile import LibsndfileSource
from audio.loudness import LoudnessMeter
from audio.recording import SILENCE_DBFS, Recording
from core.audio import HEAD_SECONDS, SEGMENT_SECONDS
from core.errors import PermanentError

Floats = NDArray[np.float32]

#: Beginnings of audio files, and where in the file they are.
_SIGNATURES = (
    (0, (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b"wvpk", b"MAC ", b"\x1aE\xdf\xa3", b".snd")),
    (0, (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1")),
    (0, (b"\xff\xf9", b"#!AMR")),
    (4, (b"ftyp", b"moov", b"mdat")),
)
# So much more than the outro is decoded, since recordings end in silence.
_SPARE_SECONDS = 10.0
_LOUDEST = 1_000.0
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused, and the length of the outro: the settings `MUSICSPACE_AUDIO__*` of the same names."""

    max_minutes: float = 180.0
    min_seconds: float = 2.0
    max_bytes: int = 4_000_000_000
    outro_seconds: float = SEGMENT_SECONDS


def decode(path: Path, limits: DecodeLimits | None = None) -> Recording:
    """The beginning and the end of an audio file, whatever its name ends with.

    Raises
    ------
    PermanentError
        `file-not-found`; `audio-unreadable`: no regular file, not allowed to be read, or not audio; `audio-empty`;
        `audio-corrupt`; `audio-too-short`; `audio-too-long` (minutes or bytes); `audio-silent`.
    """
    limits = limits or DecodeLimits()
    with _opened_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise PermanentError("audio-empty", f"{path} is empty.")
        if size > limits.max_bytes:
            raise PermanentError(
                "audio-too-long",
                f"{path} has {size:,} bytes; MUSICSPACE_AUDIO__MAX_BYTES allows {limits.max_bytes:,}.",
            )
        start = file.read(16)
        troubles: list[DecodingError] = []
        for decoder in _decoders(start):
            file.seek(0)
            try:
                with decoder(file) as source:
                    return _record(path, source, limits)
            except DecodingError as error:
                troubles.append(error)
    # Raised out here, the decoders' exceptions do not stay attached.
    trouble = max(troubles, key=lambda trouble: trouble.opened)
    if trouble.opened or any(start[offset:].startswith(marks) for offset, marks in _SIGNATURES):
        raise PermanentError("audio-corrupt", f"{path} begins like audio, but cannot be decoded: {trouble}.")
    raise PermanentError("audio-unreadable", f"{path} is no audio that can be decoded: {trouble}.")


@contextmanager
def _opened_file(path: Path) -> Iterator[FileIO]:
    """A regular file; opening what waits for a writer, such as a named pipe, would hang."""
    try:
        file = FileIO(path, opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
    except (FileNotFoundError, NotADirectoryError):
        raise PermanentError("file-not-found", f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise PermanentError("audio-unreadable", f"{path} cannot be opened: {error}") from None
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise PermanentError("audio-unreadable", f"{path} is no regular file.")
        yield file


def _decoders(start: bytes) -> tuple[Callable[[FileIO], Source], ...]:
    """What to try on a file that starts with these bytes.

    libsndfile is exact, and need not read what it skips. It reads MP3 too, but guesses the length of files without a
    Xing header, and writes all complaints to the standard error stream; and Vorbis, at two thirds of FFmpeg's speed.
    """
    if start.startswith(b"ID3") or (start[:1] == b"\xff" and start[1:2] >= b"\xe0"):
        return (FfmpegSource,)
    if start.startswith(b"OggS"):
        return FfmpegSource, LibsndfileSource
    return LibsndfileSource, FfmpegSource


def _record(path: Path, source: Source, limits: DecodeLimits) -> Recording:
    rate_hz = source.rate_hz
    _refuse_long(path, (source.declared_frames or 0) / rate_hz, limits)
    meter = LoudnessMeter(rate_hz, source.channels)
    wanted = round(HEAD_SECONDS * rate_hz)
    blocks: list[Floats] = []
    for block in source.head(wanted):
        meter.listen(block)
        blocks.append(_mono(block))
    head = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    rest, end = np.zeros(0, np.float32), len(head)
    tail_seconds = limits.outro_seconds + _SPARE_SECONDS
    if len(head) == wanted:
        start, tail = source.tail(round(tail_seconds * rate_hz))
        rest, end = _mono(tail), start + len(tail)
    recording = Recording(end / rate_hz, rate_hz, head, rest, tail_seconds, meter.steps)
    _refuse_unfit(path, recording, source.declared_frames, limits)
    return recording


def _mono(block: Floats) -> Floats:
    """The mean of all channels of float32 [n, channels]."""
    channels = block.shape[1]
    if channels == 1:
        return block[:, 0].copy()
    if channels == 2:
        # Twenty times as fast as the mean along an axis of length 2.
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    mean: Floats = block @ np.full(channels, 1 / channels, np.float32)
    return mean


def _refuse_long(path: Path, seconds: float, limits: DecodeLimits) -> None:
    if seconds > limits.max_minutes * 60:
        raise PermanentError(
            "audio-too-long",
            f"{path} lasts {seconds / 60:,.0f} minutes; MUSICSPACE_AUDIO__MAX_MINUTES allows {limits.max_minutes:g}.",
        )


def _refuse_unfit(path: Path, recording: Recording, declared: int | None, limits: DecodeLimits) -> None:
    seconds = recording.duration_s
    if not len(recording.head):
        raise PermanentError("audio-empty", f"{path} holds no sample of audio.")
    _refuse_long(path, seconds, limits)
    if declared and seconds < _LEAST_SHARE * declared / recording.rate_hz:
        raise PermanentError(
            "audio-corrupt", f"{path} breaks off after {seconds:.1f} s of {declared / recording.rate_hz:.1f} s."
        )
    if seconds < limits.min_seconds:
        raise PermanentError(
            "audio-too-short",
            f"{path} lasts {seconds:.2f} s; MUSICSPACE_AUDIO__MIN_SECONDS asks for {limits.min_seconds:g}.",
        )
    # Unlike Python's, NumPy's maximum is not a number if anything is not, and then fails the comparison.
    loudest = float(np.max([_peak(recording.head), _peak(recording.rest)]))
    if not loudest <= _LOUDEST:
        raise PermanentError("audio-corrupt", f"{path} has samples that are no numbers, or far beyond full scale.")
    if loudest < 10 ** (SILENCE_DBFS / 20):
        raise PermanentError("audio-silent", f"{path} stays below {SILENCE_DBFS:g} dB of full scale.")


def _peak(y: Floats) -> float:
    return float(np.maximum(y.max(), -y.min())) if len(y) else 0.0
