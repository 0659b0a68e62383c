"""Workers at their start and in trouble: unsafe settings, an old schema, a missing model, a stall."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from system import System, wait_until

from db.engine import get_engine, open_session
from db.repositories.heartbeats import read_heartbeats
from tasks.queues import Queue


@pytest.fixture
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-worker-") as folder, System(Path(folder)) as started:
        yield started


def start_in_foreground(system: System, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "MUSICSPACE_DATABASE_URL": system.urls.database_url,
        "MUSICSPACE_REDIS_URL": system.urls.redis_url,
        "PYTHONPATH": str(Path(__file__).parent),
        **variables,
    }
    module = variables.get("WORKER_MODULE", "workers.cpu")
    command = (sys.executable, "-m", "celery", "-A", module, "worker", "-Q", "enrich", "-c", "1")
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_an_unsafe_celery_setting_stops_the_worker(system):
    result = start_in_foreground(system, WORKER_MODULE="unsafe_worker")
    assert result.returncode == 3
    assert "[unsafe-celery-settings]: task_acks_late is False, must be True" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_without_schema_stops_the_worker(system):
    with get_engine(system.urls.database_url).begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    result = start_in_foreground(system)
    assert result.returncode == 3
    assert "musicspace db upgrade" in result.stderr


def test_a_missing_model_stops_the_worker(system):
    result = start_in_foreground(system, MUSICSPACE_ARTIFACTS_DIR=str(system.folder / "nowhere"))
    assert result.returncode == 3
    assert "[artifact-missing]" in result.stderr


@pytest.mark.parametrize("module", ["workers.cpu", "workers.api"])
def test_a_misspelled_strategy_stops_the_worker(system, module):
    result = start_in_foreground(system, WORKER_MODULE=module, MUSICSPACE_ROUTING__STRATEGY="divergense")
    assert result.returncode == 3
    assert "MUSICSPACE_ROUTING__STRATEGY" in result.stderr
    assert "divergence-tuned" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_worker_beats_and_leaves_the_list_when_stopped(system):
    def queues() -> list[str]:
        with open_session(system.urls.database_url) as session:
            return [queue for beat in read_heartbeats(session) for queue in beat.queues]

    system.start_worker("enrich", Queue.ENRICH, concurrency=1)
    wait_until(lambda: queues() == [Queue.ENRICH], 30, "a heartbeat")
    system.stop("enrich")
    assert queues() == []


def test_a_worker_that_stopped_consuming_exits_and_a_fresh_one_does_the_work(system):
    """Cancelling its consumer leaves a live worker that takes nothing, as after a bad reconnect."""
    system.environment["MUSICSPACE_WORKER__STALL_SECONDS"] = "3"
    system.start_worker("enrich", Queue.ENRICH, concurrency=1)
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    system.start_beat()
    log = system.folder / "enrich.log"
    wait_until(lambda: "ready." in log.read_text(), 30, "the worker to be ready")
    first = system.worker_parent("enrich")
    control = (sys.executable, "-m", "celery", "-A", "workers.cpu", "control", "cancel_consumer", str(Queue.ENRICH))
    urls = {"MUSICSPACE_DATABASE_URL": system.urls.database_url, "MUSICSPACE_REDIS_URL": system.urls.redis_url}
    subprocess.run(control, env=os.environ | urls, check=True, capture_output=True)
    system.enqueue(tracks=1, chunk_size=1)
    started = time.monotonic()
    wait_until(lambda: system.done() == 1, 60, "a fresh worker to do the work")
    assert time.monotonic() - started >= 3, "the consumer was not really cancelled"
    assert "worker_stalled" in log.read_text()
    assert not first.is_running()


def test_a_stopped_worker_finishes_what_it_holds(system):
    """SIGTERM in the middle of a long queue: nothing is lost, nothing waits for a lease to run out."""
    system.start_worker("enrich", Queue.ENRICH, concurrency=2)
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    system.start_beat()
    system.enqueue(tracks=2000, chunk_size=2)
    wait_until(lambda: system.done() > 50, 60, "the work to begin")
    system.stop("enrich")
    assert system.count("SELECT count(*) FROM work_items WHERE state = 'running'") == 0
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'") == 0
    system.start_worker("enrich", Queue.ENRICH, concurrency=2)
    wait_until(lambda: system.done() == 1000, 60, "the rest")
    assert system.count("SELECT count(*) FROM attempts") == 1000


def test_a_soft_shutdown_does_not_wait_for_ever_and_the_work_comes_back(system):
    """A task longer than the soft shutdown is cut off; its lease runs out and the next worker does it."""
    system.enqueue(tracks=1, chunk_size=1)
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    system.start_beat()
    system.start_worker("enrich", Queue.ENRICH, concurrency=1, module="chaos_worker", CHAOS_SLOW_S="60")
    running = "SELECT count(*) FROM work_items WHERE state = 'running'"
    wait_until(lambda: system.count(running) == 1, 30, "the work to begin")
    started = time.monotonic()
    system.stop("enrich")
    assert 1 < time.monotonic() - started < 9, "soft shutdown is two seconds here, the kill comes after eight"
    system.start_worker("enrich", Queue.ENRICH, concurrency=1)
    wait_until(lambda: system.done() == 1, 30, "the next worker to do it")
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'") == 1
