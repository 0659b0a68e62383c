"""What a process that decodes does with one file: decode, describe, prepare windows for the device."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio import AudioDescription, Segment
from core.audio_settings import AudioSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# Some of them are imported inside functions, where they are not needed by everybody.
_FOR_A_FILE = (
    "audio.beats",
    "audio.decoding",
    "audio.describing",
    "audio.dsp_features",
    "audio.key",
    "audio.tempo",
    "scipy.fft",
    "scipy.signal",
    "services.audio_analysis.windows",
    "soxr",
)


@dataclass(frozen=True, slots=True)
class Listening:
    """How files are listened to; travels to the processes, so every part of it can be pickled."""

    audio: AudioSettings
    rate_hz: int  #: Sample rate of the windows.
    window_s: float
    prepare: "Callable[[NDArray[np.float32]], Any]"


@dataclass(frozen=True, slots=True)
class Heard:
    """All of a file but its vectors: prepared windows, and the indexes of each segment's windows."""

    description: AudioDescription
    prepared: list[Any]
    members: dict[Segment, tuple[int, ...]]

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.members[Segment.FULL])


def preload() -> None:
    """Import now what the first file would else wait for."""
    for name in _FOR_A_FILE:
        import_module(name)


def listen(listening: Listening, path: Path) -> Heard:
    """Decode and describe a file.

    Raises
    ------
    PermanentError
        One of the `audio-*` codes: the file cannot be analyzed.
    """
    from audio.decoding import DecodeLimits, decode
    from audio.describing import describe
    from services.audio_analysis.windows import choose_windows

    audio = listening.audio
    limits = DecodeLimits(audio.max_minutes, audio.min_seconds, audio.max_bytes, audio.outro_seconds)
    recording = decode(path, limits)
    description = describe(recording, intro_seconds=audio.intro_seconds, outro_seconds=audio.outro_seconds)
    windows = choose_windows(recording, listening.rate_hz, listening.window_s, audio.intro_seconds, audio.outro_seconds)
    return Heard(description, [listening.prepare(samples) for samples in windows.samples], windows.members)
