"""Workers for the length of a command, where no others are at work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.settings import Settings

if TYPE_CHECKING:
    from core.work import WorkKind
    from tasks.queues import Queue

STOP_TIMEOUT_S = 30.0


CHECK_EVERY_S = 5.0


class WorkerAtHand:
    """Lends the system a worker for as long as nobody else consumes every queue that is needed."""

    def __init__(self, settings: Settings, queues: "Collection[Queue]") -> None:
        self._settings = settings
        self._queues = queues
        self._workers: list[subprocess.Popen[bytes]] = []
        self._checked_at = -CHECK_EVERY_S

    def ensure(self) -> None:
        """Start a temporary worker if none is at work. Cheap enough to call in a polling loop.

        Heartbeats outlive a killed worker by some seconds, so one look at the beginning would not do.
        """
        if self._workers or time.monotonic() - self._checked_at < CHECK_EVERY_S:
            return
        self._checked_at = time.monotonic()
        if not _consumed(self._settings, self._queues):
            self._workers = [_start(self._settings, argv) for argv in _commands(self._settings, self._queues)]

    def stop(self) -> None:
        """Stop the temporary workers, if there are any, after what they hold."""
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self._workers:
            try:
                worker.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@contextmanager
def worker_at_hand(settings: Settings, kinds: "Collection[WorkKind] | None" = None) -> Iterator[WorkerAtHand]:
    """Make sure that work of these kinds, by default of every kind, is dispatched and done during the block."""
    from tasks.queues import ROUTES, WORK_TASKS, Queue

    needed = {ROUTES[WORK_TASKS[kind]] for kind in (WORK_TASKS if kinds is None else kinds)}
    worker = WorkerAtHand(settings, sorted({Queue.MAINTENANCE, *needed}))
    worker.ensure()
    try:
        yield worker
    finally:
        worker.stop()


def _consumed(settings: Settings, queues: "Collection[Queue]") -> bool:
    from db.engine import open_session
    from db.repositories.heartbeats import read_heartbeats

    with open_session(settings.required_database_url) as session:
        beats = read_heartbeats(session)
    fresh = [beat for beat in beats if beat.age_s < settings.worker.dead_after_seconds]
    return {queue for beat in fresh for queue in beat.queues} >= {str(queue) for queue in queues}


def _start(settings: Settings, argv: list[str]) -> "subprocess.Popen[bytes]":
    """One worker, kept by `cli.respawn`, which ends it with this process in any case."""
    from tasks.safety import WORKER_ENVIRONMENT

    environment = (
        os.environ
        | WORKER_ENVIRONMENT
        | {
            "MUSICSPACE_DATABASE_URL": settings.required_database_url,
            "MUSICSPACE_REDIS_URL": settings.required_redis_url,
        }
    )
    log = settings.data_dir.expanduser() / "log" / "temporary-worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cli.respawn",
                f"--grace={settings.worker.soft_shutdown_seconds + 5}",
                "--",
                *argv,
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _commands(settings: Settings, queues: "Collection[Queue]") -> list[list[str]]:
    """A worker with a beat of its own and, where audio is listened to, the one that does that."""
    from tasks.queues import Queue

    others = [queue for queue in queues if queue is not Queue.EMBED]
    commands = [_argv("workers.cpu", others, settings.worker.concurrency, "--beat", "--schedule=/dev/null")]
    if Queue.EMBED in queues:
        commands.append(_argv("workers.gpu", [Queue.EMBED], 1, "--pool=solo"))
    return commands


def _argv(module: str, queues: "Collection[Queue]", concurrency: int, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--app", module, "worker", *more),
        f"--queues={','.join(queues)}",
        f"--concurrency={concurrency}",
        f"--hostname=temporary-{module.rpartition('.')[2]}-{os.getpid()}@%h",
        *("--without-gossip", "--without-mingle"),
    ]
