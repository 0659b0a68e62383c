"""The first seconds of an audio file, small enough to upload."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CLIP_SECONDS = 30.0
#: Too little to hear a tempo in.
MIN_SECONDS = 5.0
MAX_UPLOAD_BYTES = 5 * 1024 * 1024
# 30 s of it in 16 bits are 2.9 MB.
_HIGHEST_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class AudioClip:
    """A mono WAV file of 16 bits in memory."""

    content: bytes
    sample_rate_hz: int
    seconds: float


def first_seconds(path: Path, seconds: float = CLIP_SECONDS) -> AudioClip:
    """The beginning of an audio file that libsndfile reads (WAV, FLAC, AIFF, Ogg, MP3), mixed to mono.

    Rates above 48 kHz are divided by a whole number.

    Raises
    ------
    PermanentError
        `file-not-found`: it does not exist. `audio-unreadable`: it cannot be decoded, or is shorter than `MIN_SECONDS`.
    """
    y, rate_hz = _read(path, seconds)
    length_s = len(y) / rate_hz
    if length_s < MIN_SECONDS:
        raise PermanentError(
            "audio-unreadable", f"{path} holds {length_s:.1f} s of audio; at least {MIN_SECONDS:g} s are needed."
        )
    y, rate_hz = _at_moderate_rate(y, rate_hz)
    content = _wav(y, rate_hz)
    if len(content) > MAX_UPLOAD_BYTES:
        raise PermanentError("file-too-large", f"{seconds:g} s of {path} do not fit into {MAX_UPLOAD_BYTES:,} bytes.")
    return AudioClip(content, rate_hz, length_s)


def _read(path: Path, seconds: float) -> "tuple[npt.NDArray[np.float32], int]":
    """Mono samples (n,) and their rate in Hz."""
    import soundfile

    if not path.is_file():
        raise PermanentError("file-not-found", f"There is no file {path}.")
    reason = ""
    try:
        with soundfile.SoundFile(path) as audio:
            channels = audio.read(frames=int(seconds * audio.samplerate), dtype="float32", always_2d=True)
            rate_hz = int(audio.samplerate)
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error)
    if reason:
        raise PermanentError("audio-unreadable", f"{path} cannot be read as audio: {reason}")
    mono: npt.NDArray[np.float32] = channels.mean(axis=1)
    return mono, rate_hz


def _at_moderate_rate(y: Any, rate_hz: int) -> tuple[Any, int]:
    divisor = -(-rate_hz // _HIGHEST_RATE_HZ)
    if divisor == 1:
        return y, rate_hz
    from scipy.signal import resample_poly

    return resample_poly(y, 1, divisor), rate_hz // divisor


def _wav(y: Any, rate_hz: int) -> bytes:
    import soundfile

    file = io.BytesIO()
    # libsndfile limits what exceeds full scale; it would wrap around otherwise.
    soundfile.write(file, y.clip(-1.0, 1.0), rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()
