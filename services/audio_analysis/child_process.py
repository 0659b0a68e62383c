"""A process that runs functions for its parent, one at a time, and never outlives it.

Native decoders can crash, hang or leak over a broken file, so they run apart. The processes are started afresh rather
than forked (the parent may hold threads and a CUDA context) and not by `multiprocessing`, which would run the parent's
main module again and is forbidden in Celery's daemonic processes.
"""

import fcntl
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from core.errors import MusicSpaceError, PermanentError

READY = "ready"

# A process is one of many: more threads of its numerical libraries would only get in each other's way.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_START = "import sys; sys.path[:] = sys.argv[2:]; from services.audio_analysis.child_process import serve; serve()"


class ChildProcess:
    """The parent's end. `connection` becomes readable with the first message `READY`, then with each result."""

    def __init__(self, preload: str | None = None) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno()), *sys.path],
                # A pipe that nothing is ever written to: it breaks when this process dies, however it dies.
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **_ONE_THREAD},
            )
        self.connection = Connection(ours.detach())
        self.connection.send(preload)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def kill(self) -> str:
        """End the process now, if it has not ended, and say in words how it ended."""
        # A process that closed its connection is about to end by itself, and its own reason is worth knowing.
        try:
            self._process.wait(timeout=2 if self._is_hung_up() else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        self.connection.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def _is_hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self.connection.fileno(), getattr(select, "POLLRDHUP", select.POLLHUP))
        return bool(poll.poll(0))


def serve() -> None:
    """The child's end: a loop over pairs of a function and its arguments, until the parent hangs up."""
    _die_with_parent()
    # These go to whole groups of processes; the parent decides what they mean for this one, and kills it if need be.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    try:
        preload = connection.recv()
        if preload is not None:
            importlib.import_module(preload).preload()
        # Native decoders write warnings of their own to standard error; from here on every error is sent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        connection.send(READY)
        while True:
            function, arguments = connection.recv()
            connection.send(_outcome(function, arguments))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except MusicSpaceError as error:
        return Raised(error)
    except Exception as error:  # noqa: BLE001 - the parent records it with the file; only that file fails
        return Raised(PermanentError("unexpected", f"{type(error).__name__}: {error}"), traceback.format_exc())


class Raised:
    """An error on its way to the parent, in parts: errors with arguments of their own do not survive pickling."""

    def __init__(self, error: MusicSpaceError, trace: str = "") -> None:
        self.trace = trace
        self._kind = type(error)
        self._code = error.code
        self._message = error.message

    @property
    def error(self) -> MusicSpaceError:
        """The error, made anew."""
        error = self._kind.__new__(self._kind)
        MusicSpaceError.__init__(error, self._code, self._message)
        return error


def _die_with_parent() -> None:
    """Let the kernel end this process when the parent's end of standard input closes.

    A thread that waits for it would never run while a decoder hangs with the interpreter's lock, and Linux' parent
    death signal comes when the parent's *thread* ends. The signal of an asynchronous descriptor does neither: its
    default action ends the process.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    # The parent may have died before.
    if select.select([0], [], [], 0)[0]:
        os._exit(1)
