"""libsndfile: WAV, FLAC, AIFF and more, by way of soundfile."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from types import TracebackType
from typing import TYPE_CHECKING, Self

from audio.decoders import DecodingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class LibsndfileSource:
    """Reads a file through its descriptor, so that no name, only the content, decides what it is taken for."""

    def __init__(self, file: FileIO) -> None:
        import soundfile

        with _translated(opened=False):
            self._file = soundfile.SoundFile(file.fileno(), closefd=False)

    @property
    def rate_hz(self) -> int:
        return int(self._file.samplerate)

    @property
    def channels(self) -> int:
        return int(self._file.channels)

    @property
    def declared_frames(self) -> int | None:
        return int(self._file.frames)

    def head(self, frames: int) -> "Iterator[Floats]":
        # A second at a time stays in the processor's caches while it is mixed and weighed.
        left = frames
        while left > 0:
            with _translated(opened=True):
                block = self._file.read(min(left, self.rate_hz), dtype="float32", always_2d=True)
            if not len(block):
                return
            left -= len(block)
            yield block

    def tail(self, frames: int) -> "tuple[int, Floats]":
        with _translated(opened=True):
            start = max(self._file.tell(), self._file.frames - frames)
            self._file.seek(start)
            return start, self._file.read(frames, dtype="float32", always_2d=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


@contextmanager
def _translated(*, opened: bool) -> Iterator[None]:
    import soundfile

    reason = ""
    try:
        yield
    except soundfile.LibsndfileError as error:
        # Its whole text names the descriptor, which tells nobody anything.
        reason = error.error_string.rstrip(".")
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error)
    if reason:
        raise DecodingError(reason, opened=opened)
