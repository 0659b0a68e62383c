"""A worker for the length of a command, where no other one is at work."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from core.settings import Settings

STOP_TIMEOUT_S = 30.0


@contextmanager
def worker_at_hand(settings: Settings) -> Iterator[bool]:
    """Make sure that somebody consumes every queue; yields whether a temporary worker had to be started for it."""
    if _consumed(settings):
        yield False
        return
    worker = _start(settings)
    try:
        yield True
    finally:
        _stop(worker)


def _consumed(settings: Settings) -> bool:
    from db.engine import open_session
    from db.repositories.heartbeats import read_heartbeats
    from tasks.queues import Queue

    with open_session(settings.required_database_url) as session:
        beats = read_heartbeats(session)
    fresh = [beat for beat in beats if beat.age_s < settings.worker.dead_after_seconds]
    return {queue for beat in fresh for queue in beat.queues} >= set(Queue)


def _start(settings: Settings) -> "subprocess.Popen[bytes]":
    """One worker with an embedded beat, kept by `cli.respawn`, which ends it with this process in any case."""
    environment = os.environ | {
        "MUSICSPACE_DATABASE_URL": settings.required_database_url,
        "MUSICSPACE_REDIS_URL": settings.required_redis_url,
    }
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
                *_argv(settings),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _argv(settings: Settings) -> list[str]:
    from tasks.queues import Queue

    return [
        *(sys.executable, "-m", "celery", "--app", "workers.cpu", "worker", "--beat", "--schedule=/dev/null"),
        f"--queues={','.join(Queue)}",
        f"--concurrency={settings.worker.concurrency}",
        f"--hostname=temporary-{os.getpid()}@%h",
        *("--without-gossip", "--without-mingle"),
    ]


def _stop(worker: "subprocess.Popen[bytes]") -> None:
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
