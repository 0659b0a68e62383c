"""The worker's sign of life, and the end of a worker that stalled."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from celery.signals import task_received
from celery.worker import state
from sqlalchemy.orm import Session

from core.errors import RetryableError
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories import heartbeats
from tasks.progress import last_progress
from tasks.publishing import queue_depth
from tasks.queues import Queue
from workers.stall import StallWatch

log = get_logger(__name__)

EXIT_STALLED = 75
LEAVE_TIMEOUT_S = 5.0


class Health:
    """A thread of the worker's main process: beats into Postgres and watches for a stall."""

    def __init__(self, worker: Any, settings: Settings) -> None:
        self._settings = settings
        self._name = f"{worker.hostname}:{os.getpid()}"
        self._queues = sorted(worker.app.amqp.queues.consume_from)
        self._solo = worker.pool_cls.__module__ == "celery.concurrency.solo"
        # The solo pool takes one task, whatever concurrency it was given.
        self._processes = 1 if self._solo else int(worker.concurrency)
        self._watch = StallWatch(settings.worker.stall_seconds)
        self._received = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        task_received.connect(self._count, weak=False)
        self._thread.start()

    def leave(self) -> None:
        """Have the thread stop beating and take the worker off the list; returns at once, safe in a signal handler."""
        self._stop.set()

    def join(self) -> None:
        """Wait until the worker is off the list, for some seconds at most."""
        self._thread.join(timeout=LEAVE_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._in_database(lambda session: heartbeats.beat(session, self._name, self._queues, os.getpid()))
            if self._stalled():
                self._exit()
            if self._solo and self._overdue():
                self._give_up()
            self._stop.wait(self._settings.worker.heartbeat_seconds)
        self._in_database(lambda session: heartbeats.remove(session, self._name))

    def _stalled(self) -> bool:
        free = len(state.active_requests) < self._processes
        return self._watch.observe(time.monotonic(), received=self._received, waiting=self._waiting(), free=free)

    def _waiting(self) -> int | None:
        try:
            return sum(queue_depth(Queue(name)) for name in self._queues)
        except RetryableError:
            return None

    def _exit(self) -> None:
        """Ask for a warm shutdown; a worker too stuck for that is ended. Its manager starts a new one."""
        log.critical("worker_stalled", queues=self._queues, hint="exiting so that a fresh worker takes over")
        os.kill(os.getpid(), signal.SIGTERM)
        self._stop.wait(self._settings.worker.soft_shutdown_seconds + 5)
        if not self._stop.is_set():
            os._exit(EXIT_STALLED)

    def _overdue(self) -> bool:
        """Whether a task got nothing done for as long as it may run. Other pools see to that; the solo pool cannot."""
        limit_s = self._settings.worker.hard_time_limit_seconds
        started = [request.time_start for request in tuple(state.active_requests) if request.time_start]
        return any(time.time() - max(begun, last_progress()) > limit_s for begun in started)

    def _give_up(self) -> None:
        """End this process, which nobody else can do. The item comes back when its lease runs out."""
        log.critical("task_hangs", limit_s=self._settings.worker.hard_time_limit_seconds)
        os._exit(EXIT_STALLED)

    def _in_database(self, action: Callable[[Session], None]) -> None:
        try:
            with open_session(self._settings.required_database_url) as session:
                action(session)
                session.commit()
        except RetryableError as error:
            log.warning("heartbeat_not_written", code=error.code, reason=error.message)

    def _count(self, **_: Any) -> None:
        self._received += 1
