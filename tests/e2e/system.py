"""A whole system of real processes for end-to-end tests: embedded servers, workers, beat, ways to hurt them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
from sqlalchemy import text

from core.settings import Settings
from core.work import JobKind, WorkKind
from db.engine import get_engine, open_session
from db.migrate import upgrade
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from integrations.embedded import EmbeddedServers
from tasks.safety import WORKER_ENVIRONMENT

# Short waits, so that a test sees in seconds what production sees in half a minute.
FAST_LEDGER = {
    # What is tested here is the ledger; the lightest predictor leaves it the time.
    "MUSICSPACE_ENRICH__PREDICTOR": "m1",
    "MUSICSPACE_LEDGER__LEASE_SECONDS": "3",
    "MUSICSPACE_LEDGER__DISPATCH_INTERVAL_SECONDS": "0.5",
    "MUSICSPACE_LEDGER__REDISPATCH_SECONDS": "2",
    "MUSICSPACE_LEDGER__BACKOFF_BASE_SECONDS": "0.2",
    "MUSICSPACE_WORKER__HEARTBEAT_SECONDS": "1",
    "MUSICSPACE_WORKER__SOFT_SHUTDOWN_SECONDS": "2",
}


@dataclass
class System:
    """Servers in `folder` and the processes started on them."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # As root the servers run as another user, who has to reach the folder.
        self.folder.chmod(0o755)
        self.servers = EmbeddedServers(Settings(data_dir=self.folder, database_url=None, redis_url=None))
        self.urls = self.servers.urls
        self.settings = Settings(
            data_dir=self.folder, database_url=self.urls.database_url, redis_url=self.urls.redis_url
        )

    def __enter__(self) -> "System":
        self.servers.join()
        upgrade(self.urls.database_url)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name in list(self.processes):
            self.stop(name)
        get_engine(self.urls.database_url).dispose()
        self.servers.leave()

    def start(self, name: str, *arguments: str, module: str = "workers.cpu", **variables: str) -> None:
        """Start a Celery command under the respawn wrapper that `musicspace up` uses."""
        environment = os.environ | FAST_LEDGER | self.environment | variables
        environment |= WORKER_ENVIRONMENT | {
            "MUSICSPACE_DATABASE_URL": self.urls.database_url,
            "MUSICSPACE_REDIS_URL": self.urls.redis_url,
            "PYTHONPATH": str(Path(__file__).parent),
        }
        celery = (sys.executable, "-m", "celery", "--app", module, *arguments)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                (sys.executable, "-m", "cli.respawn", "--grace=8", "--", *celery),
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_worker(
        self, name: str, queue: str, *, concurrency: int = 2, module: str = "workers.cpu", **variables: str
    ) -> None:
        """Start a worker on one queue."""
        arguments = ("worker", f"--queues={queue}", f"--concurrency={concurrency}", f"--hostname={name}@%h")
        self.start(name, *arguments, module=module, **variables)

    def start_beat(self, name: str = "beat") -> None:
        """Start a scheduler."""
        self.start(name, "beat", "--pidfile=", "--schedule=/dev/null", module="workers.beat")

    def stop(self, name: str) -> None:
        """End a process and wait for it."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def worker_parent(self, name: str) -> psutil.Process | None:
        """The worker's main process, below the respawn wrapper; `None` while it is being restarted."""
        children = psutil.Process(self.processes[name].pid).children()
        return children[0] if children else None

    def kill_worker_parent(self, name: str) -> None:
        """`kill -9` the worker's main process."""
        if parent := self.worker_parent(name):
            parent.kill()

    def kill_worker_child(self, name: str, chance: random.Random) -> None:
        """`kill -9` one pool process."""
        parent = self.worker_parent(name)
        if parent and (children := parent.children()):
            chance.choice(children).kill()

    def flush_broker(self) -> None:
        """Lose every message."""
        with redis.Redis.from_url(self.urls.redis_url) as client:
            client.flushall()

    def crash_server(self, name: str) -> None:
        """`kill -9` a server and start it again on its data."""
        pid = next(status.pid for status in self.servers.status() if status.name == name)
        assert pid is not None
        server = psutil.Process(pid)
        server.kill()
        server.wait(10)
        self.servers.ensure_running()

    def enqueue(self, *, tracks: int, chunk_size: int) -> None:
        """Insert tracks of a hundred artists and a job that enriches them."""
        with open_session(self.urls.database_url) as session:
            ids = session.scalars(
                text("""
                    INSERT INTO tracks (identity_key, artist, title)
                    SELECT i::text, 'Artist ' || i % 97, 'Song ' || i FROM generate_series(1, :n) i RETURNING id
                """),
                {"n": tracks},
            ).all()
            job_id, _ = create_job(session, JobKind.ENRICH_ALL)
            enqueue_targets(session, job_id, WorkKind.ENRICH, ids, version="m1", chunk_size=chunk_size)
            seal_job(session, job_id, {})
            session.commit()

    def count(self, query: str) -> int:
        """One number from the database."""
        with open_session(self.urls.database_url) as session:
            return int(session.execute(text(query)).scalar_one())

    def done(self) -> int:
        """Items done so far."""
        return self.count("SELECT count(*) FROM work_items WHERE state = 'done'")


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Poll until true; returns the seconds it took. Fails the test with `what` after `timeout_s`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - started
