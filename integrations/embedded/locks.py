"""File locks by which processes share one data directory.

The kernel drops them when their holder dies, so nothing stale can remain. Lock files are never deleted: a process
could otherwise hold a lock on a file that others no longer see.
"""

import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigurationError

POLL_SECONDS = 0.02


class LockHeldError(ConfigurationError):
    """Another process holds a lock for longer than anybody should."""

    def __init__(self, message: str) -> None:
        super().__init__("embedded-failed", message)


def try_lock(descriptor: int, operation: int) -> bool:
    """Take the lock at once, or tell that somebody else holds it."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Iterator[int]:
    """Hold an exclusive lock on a file, for the block.

    Yields the descriptor of the file.

    Raises
    ------
    LockHeldError
        Another process kept it for longer than `timeout_s`.
    """
    descriptor = open_lock(path)
    try:
        deadline = time.monotonic() + timeout_s
        while not try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise LockHeldError(f"Another process has been starting or stopping for {timeout_s:.0f} s ({path}).")
            time.sleep(POLL_SECONDS)
        try:
            yield descriptor
        finally:
            # Closing would not do: a forked child may have inherited the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


class Attendance:
    """A shared lock that says "I use the servers"; whoever can turn it into an exclusive one is the last user.

    Join and leave only under the exclusive lock on starting and stopping: that makes the two steps atomic.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        _call_in_forks(weakref.WeakMethod(self._drop))

    def join(self) -> None:
        """Count as a user until `leave`, or the end of this process."""
        self._descriptor = open_lock(self._path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether nobody else is left. If somebody is, this user counts no more: flock gave up its shared lock."""
        return self._descriptor is not None and try_lock(self._descriptor, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Stop counting as a user."""
        self._drop()

    def _drop(self) -> None:
        """Close the file. A forked child does so at once: its copy would hold the lock after the parent has left."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _call_in_forks(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    def call() -> None:
        bound = method()
        if bound is not None:
            bound()

    os.register_at_fork(after_in_child=call)


def open_lock(path: Path) -> int:
    """A descriptor to lock; the file is created when missing. A link in its place is refused."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
