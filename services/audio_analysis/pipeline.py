"""From files to descriptors and vectors: processes listen ahead, the device embeds windows of many files at once."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.audio import AudioDescription, Segment
from core.audio_settings import AudioSettings
from core.embedding import AudioEmbedder
from core.errors import MusicSpaceError
from services.audio_analysis.device_thread import DeviceThread
from services.audio_analysis.listening import Heard, Listening, listen
from services.audio_analysis.process_pool import Outcome, ProcessPool, available_cores
from services.audio_analysis.windows import segment_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K = TypeVar("K")

# While this many batches wait for the device, no further file is begun: what waits is held in memory.
_BATCHES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Analyzed(Generic[K]):
    """A file, described and embedded: a unit vector float32 [d] in `space` for each segment."""

    key: K
    description: AudioDescription
    vectors: "dict[Segment, NDArray[np.float32]]"
    space: str


@dataclass(frozen=True, slots=True)
class Failed(Generic[K]):
    """A file that cannot be analyzed, and why."""

    key: K
    error: MusicSpaceError


@dataclass(slots=True)
class _File(Generic[K]):
    """A file on its way; `vectors` fills up window by window."""

    key: K
    heard: Heard | None = None
    vectors: "dict[int, NDArray[np.float32]]" = field(default_factory=dict)


class AudioAnalyzer:
    """Analyzes files with processes that stay for the next list of files; a context manager.

    Parameters
    ----------
    embedder
        Embeds the windows, on a thread of this process.
    audio
        Which files are accepted, and the lengths of intro and outro.
    decoders
        Processes that decode and describe; 0: one for each core.
    listener
        What a process does with a file.
    """

    def __init__(
        self,
        embedder: AudioEmbedder,
        audio: AudioSettings,
        *,
        decoders: int = 0,
        listener: Callable[[Listening, Path], Heard] = listen,
    ) -> None:
        self.embedder = embedder
        self._listening = Listening(audio, embedder.sample_rate_hz, embedder.window_s, embedder.prepare)
        self._pool = ProcessPool(
            listener,
            decoders or available_cores(),
            task_seconds=audio.max_seconds_per_file,
            preload="services.audio_analysis.listening",
        )
        self._device: DeviceThread[tuple[_File[Any], int]] = DeviceThread(embedder)

    def __enter__(self) -> "AudioAnalyzer":
        self._pool.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._pool.close()
        self._device.close()

    def analyze(self, files: Iterable[tuple[K, Path]]) -> Generator[Analyzed[K] | Failed[K], None, None]:
        """Yield each file as soon as it is done, in no particular order; one call at a time.

        However many files there are, only a few are in memory; they are asked for as there is room. A file that cannot
        be decoded fails by itself; an embedder that fails ends the whole call with its error. Close the generator to
        end early: what is being decoded is dropped at once.
        """
        waiting = iter(files)
        more = True
        try:
            while True:
                while more and self._has_room():
                    more = self._begin_next(waiting)
                if not more and not self._pool.pending and self._device.idle:
                    return
                for outcome in self._pool.outcomes(self._device.wake_up):
                    yield from self._take(outcome)
                for (file, index), vector in self._device.advance():
                    yield from self._fill(file, index, vector)
        finally:
            self._pool.cancel()
            self._device.cancel()

    def _has_room(self) -> bool:
        return self._pool.free > 0 and self._device.backlog < _BATCHES_AHEAD * self.embedder.batch_size

    def _begin_next(self, waiting: Iterator[tuple[K, Path]]) -> bool:
        """Have the next file listened to; False if there is none."""
        following = next(waiting, None)
        if following is None:
            return False
        key, path = following
        self._pool.submit(_File(key), str(path), self._listening, path)
        return True

    def _take(self, outcome: Outcome) -> "Iterator[Failed[K]]":
        file = outcome.ticket
        if outcome.error is not None:
            yield Failed(file.key, outcome.error)
            return
        file.heard = outcome.value
        for index, prepared in enumerate(file.heard.prepared):
            self._device.add((file, index), prepared)
        file.heard.prepared.clear()

    def _fill(self, file: "_File[K]", index: int, vector: "NDArray[np.float32]") -> "Iterator[Analyzed[K]]":
        import numpy as np

        file.vectors[index] = vector
        if file.heard is not None and len(file.vectors) == file.heard.windows:
            vectors = np.stack([file.vectors[index] for index in range(file.heard.windows)])
            segments = segment_vectors(file.heard.members, vectors)
            yield Analyzed(file.key, file.heard.description, segments, self.embedder.space)


def analyze_files(
    files: Iterable[tuple[K, Path]], embedder: AudioEmbedder, *, audio: AudioSettings, decoders: int = 0
) -> Generator[Analyzed[K] | Failed[K], None, None]:
    """Analyze one list of files, see `AudioAnalyzer.analyze`."""
    with AudioAnalyzer(embedder, audio, decoders=decoders) as analyzer:
        yield from analyzer.analyze(files)
