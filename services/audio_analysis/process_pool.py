"""A pool of processes in which one task can crash or hang without harm to the others."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from core.errors import MusicSpaceError, PermanentError, RetryableError
from core.telemetry import get_logger
from services.audio_analysis.child_process import ChildProcess, Raised

log = get_logger(__name__)

# A process dies under a file of its own twice before the file is blamed: the first time it may have been out of memory.
_CRASHES = 2
# A process that never becomes ready is an installation's fault; trying for ever would hide that.
_FALSE_STARTS = 3
_START_SECONDS = 120.0


@dataclass(slots=True)
class _Task:
    ticket: Any
    label: str
    arguments: tuple[Any, ...]
    crashes: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    process: ChildProcess
    deadline: float
    ready: bool = False
    task: _Task | None = None
    done: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: a value, or an error."""

    ticket: Any
    value: Any = None
    error: MusicSpaceError | None = None


@dataclass
class ProcessPool:
    """Runs `function` over submitted arguments, each process one task at a time.

    A result waits in its process until `outcomes` takes it, so that no more results than processes pile up.

    Parameters
    ----------
    function
        What runs there; pickled by its name.
    processes
        How many.
    task_seconds
        A task that takes longer is ended together with its process.
    tasks_per_process
        A process is replaced after so many, which bounds what native libraries leak.
    preload
        A module with a function `preload()` that a process calls before its first task.
    """

    function: Callable[..., Any]
    processes: int
    task_seconds: float
    tasks_per_process: int = 500
    preload: str | None = None
    _workers: list[_Worker] = field(default_factory=list)
    _waiting: deque[_Task] = field(default_factory=deque)
    _false_starts: int = 0

    @property
    def free(self) -> int:
        """How many more tasks would find a process of their own."""
        return self.processes - self.pending

    @property
    def pending(self) -> int:
        """Tasks that have no outcome yet."""
        return len(self._waiting) + sum(worker.task is not None for worker in self._workers)

    def start(self) -> None:
        """Start all processes, so that they are ready by the first task."""
        while len(self._workers) < self.processes:
            self._workers.append(_Worker(ChildProcess(self.preload), time.monotonic() + _START_SECONDS))

    def submit(self, ticket: Any, label: str, *arguments: Any) -> None:
        """Have a task done; `ticket` comes back with its outcome, and `label` names the task in the log."""
        self._waiting.append(_Task(ticket, label, arguments))
        self._hand_out()

    def outcomes(self, wake_up: int, timeout_s: float | None = None) -> Iterator[Outcome]:
        """Wait until something happens, at most `timeout_s`; a byte on the descriptor `wake_up` counts too."""
        by_connection = {worker.process.connection: worker for worker in self._workers}
        readable = set(wait([*by_connection, wake_up], self._patience(timeout_s)))
        for connection, worker in by_connection.items():
            if connection in readable:
                yield from self._receive(worker)
            elif worker.deadline < time.monotonic():
                yield from self._give_up(worker)
        self._hand_out()

    def cancel(self) -> None:
        """Forget all tasks; busy processes are ended, idle ones kept."""
        self._waiting.clear()
        for worker in [worker for worker in self._workers if worker.task is not None]:
            self._remove(worker)

    def close(self) -> None:
        """End all processes."""
        self._waiting.clear()
        for worker in list(self._workers):
            self._remove(worker)

    def _hand_out(self) -> None:
        if not self._waiting:
            return
        self.start()
        for worker in self._workers:
            if self._waiting and worker.ready and worker.task is None:
                worker.task = self._waiting.popleft()
                worker.deadline = time.monotonic() + self.task_seconds
                try:
                    worker.process.connection.send((self.function, worker.task.arguments))
                except (BrokenPipeError, ConnectionResetError):
                    # It died idle; the next look at its connection finds that out, and nobody is blamed for it.
                    worker.task.crashes -= 1

    def _patience(self, timeout_s: float | None) -> float | None:
        now = time.monotonic()
        waits = [max(0.0, worker.deadline - now) for worker in self._workers if worker.task or not worker.ready]
        return min([*waits, *([] if timeout_s is None else [timeout_s])], default=None)

    def _receive(self, worker: _Worker) -> Iterator[Outcome]:
        try:
            message = worker.process.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if not worker.ready:  # The first message says nothing else.
            worker.ready, worker.deadline, self._false_starts = True, float("inf"), 0
            return
        task, worker.task, worker.deadline = worker.task, None, float("inf")
        worker.done += 1
        if worker.done >= self.tasks_per_process:
            self._remove(worker)
        if task is None:
            return
        if not isinstance(message, Raised):
            yield Outcome(task.ticket, message)
            return
        if message.trace:
            log.error("audio_task_failed", task=task.label, trace=message.trace)
        yield Outcome(task.ticket, error=message.error)

    def _bury(self, worker: _Worker) -> Iterator[Outcome]:
        """A process died: its task is tried once more, in another process, before it is blamed."""
        end = self._remove(worker)
        task = worker.task
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= _FALSE_STARTS:
                raise RetryableError("unexpected", f"Processes that decode audio end ({end}) before they are ready.")
        elif task is not None:
            task.crashes += 1
            log.warning("audio_process_ended", task=task.label, end=end)
            if task.crashes < _CRASHES:
                self._waiting.appendleft(task)
            else:
                message = f"The process that decoded the file ended twice over it ({end})."
                yield Outcome(task.ticket, error=PermanentError("audio-decoder-crashed", message))

    def _give_up(self, worker: _Worker) -> Iterator[Outcome]:
        """A process is too late."""
        if worker.task is None:
            yield from self._bury(worker)
            return
        self._remove(worker)
        message = f"Decoding did not end within {self.task_seconds:g} seconds (MUSICSPACE_AUDIO__MAX_SECONDS_PER_FILE)."
        yield Outcome(worker.task.ticket, error=PermanentError("audio-decoder-crashed", message))

    def _remove(self, worker: _Worker) -> str:
        self._workers.remove(worker)
        return worker.process.kill()


def available_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
