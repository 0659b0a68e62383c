"""Embeds batches of windows on a thread of its own, while results of the decoding processes are taken."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.embedding import AudioEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Tag = TypeVar("Tag")

# The embedder copies one batch to the device while that calculates another.
_BATCHES_AT_ONCE = 2


@dataclass
class DeviceThread(Generic[Tag]):
    """Windows go in with a tag each, from many files; vectors come out with their tags.

    A batch is as large as the embedder likes, or what there is while the device would otherwise idle. `wake_up` is a
    descriptor that becomes readable when a batch is done.
    """

    embedder: AudioEmbedder
    _waiting: deque[tuple[Tag, Any]] = field(default_factory=deque)
    _running: "tuple[list[Tag], Future[Floats]] | None" = None

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self.wake_up, self._bell = os.pipe()

    @property
    def backlog(self) -> int:
        """Windows that wait for a batch."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._waiting and self._running is None

    def add(self, tag: Tag, prepared: Any) -> None:
        """Have a prepared window embedded."""
        self._waiting.append((tag, prepared))

    def advance(self) -> "list[tuple[Tag, Floats]]":
        """Take the batch that is done, if one is, and start the next one."""
        done: list[tuple[Tag, Floats]] = []
        if self._running is not None and self._running[1].done():
            tags, future = self._running
            self._running = None
            os.read(self.wake_up, 1)
            done = list(zip(tags, future.result(), strict=True))
        if self._running is None and self._waiting:
            count = min(len(self._waiting), _BATCHES_AT_ONCE * self.embedder.batch_size)
            batch = [self._waiting.popleft() for _ in range(count)]
            future = self._thread.submit(self.embedder.embed, [prepared for _, prepared in batch])
            future.add_done_callback(lambda _: os.write(self._bell, b"."))
            self._running = ([tag for tag, _ in batch], future)
        return done

    def cancel(self) -> None:
        """Forget all windows; waits for the batch that runs."""
        self._waiting.clear()
        if self._running is not None:
            self._running[1].exception()
            os.read(self.wake_up, 1)
            self._running = None

    def close(self) -> None:
        """End the thread."""
        self.cancel()
        self._thread.shutdown()
        os.close(self.wake_up)
        os.close(self._bell)
