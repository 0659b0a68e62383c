"""The train queue with real workers: enrichment does not wait, a promotion reaches workers, a kill is survived."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_reference import write_table
from sqlalchemy import text
from system import System, wait_until

from core.work import JobKind, WorkKind
from db.engine import open_session
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from services.train_jobs import start_training
from services.training import train_global
from tasks.queues import Queue

STATES = "SELECT count(*) FROM work_items WHERE kind = 'train-global' AND state = "


@pytest.fixture
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-train-") as folder, System(Path(folder)) as started:
        shipped = started.folder / "shipped"
        train_global("m1", write_table(started.folder / "old.parquet"), shipped, lambda done, total: None)
        started.environment = {
            "MUSICSPACE_ARTIFACTS_DIR": str(shipped),
            "MUSICSPACE_MODELS_DIR": str(started.folder / "versions"),
            "MUSICSPACE_TRAIN__PROMOTION_TOLERANCE": "1",
        }
        started.start_beat()
        started.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
        yield started


def enqueue_training(system: System) -> int:
    table = write_table(system.folder / "new.parquet", seed=1)
    with open_session(system.urls.database_url) as session:
        job_id, created = start_training(session, "m1", table)
        session.commit()
    assert created
    return job_id


def enrich(system: System, n: int) -> list[str]:
    """Enrich new tracks; the versions that all tracks so far have estimates of, in the order of the tracks."""
    with open_session(system.urls.database_url) as session:
        ids = session.scalars(
            text("""
                INSERT INTO tracks (identity_key, artist, title)
                SELECT gen_random_uuid()::text, 'Band1', 'Song' FROM generate_series(1, :n) RETURNING id
            """),
            {"n": n},
        ).all()
        job_id, _ = create_job(session, JobKind.ENRICH_ALL)
        enqueue_targets(session, job_id, WorkKind.ENRICH, ids, version="m1", chunk_size=1)
        seal_job(session, job_id, {})
        session.commit()
    live = f"SELECT count(*) FROM jobs WHERE id = {job_id} AND finished_at IS NULL"
    wait_until(lambda: system.count(live) == 0, 60, "the enrichment")
    with open_session(system.urls.database_url) as session:
        return list(session.scalars(text("SELECT model_version FROM track_estimates ORDER BY track_id")))


def test_running_workers_use_a_version_as_soon_as_it_is_promoted(system: System) -> None:
    system.start_worker("enrich", Queue.ENRICH, concurrency=1)
    [shipped] = enrich(system, 1)
    enqueue_training(system)
    assert enrich(system, 1) == [shipped] * 2, "nobody trains yet, and enrichment does not wait for it"
    system.start_worker("train", Queue.TRAIN, concurrency=1)
    wait_until(lambda: system.count(f"{STATES}'done'") == 1, 60, "the training")
    old, newer, newest = enrich(system, 1)
    assert (old, newer) == (shipped, shipped)
    with open_session(system.urls.database_url) as session:
        result = session.scalar(text("SELECT result FROM work_items WHERE kind = 'train-global'"))
        promoted = session.scalar(text("SELECT version FROM model_versions WHERE state = 'promoted'"))
    assert newest == promoted == result["version"], json.dumps(result)
    assert newest != shipped


def test_a_training_whose_worker_is_killed_is_done_again_and_recorded_once(system: System) -> None:
    enqueue_training(system)
    slow = {"module": "chaos_worker", "CHAOS_SLOW_S": "60"}
    system.start_worker("train", Queue.TRAIN, concurrency=1, **slow)
    version_folder = system.folder / "versions" / "m1"
    wait_until(lambda: any(version_folder.glob("1*")) or any(version_folder.glob("*-*")), 60, "the version's files")
    system.kill_worker_parent("train")
    system.stop("train")
    assert system.count("SELECT count(*) FROM model_versions") == 0
    system.start_worker("train", Queue.TRAIN, concurrency=1)
    wait_until(lambda: system.count(f"{STATES}'done'") == 1, 60, "the second attempt")
    assert system.count("SELECT count(*) FROM model_versions") == 1
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'") == 1


def test_a_worker_without_the_files_of_the_promoted_version_says_so(system: System) -> None:
    system.start_worker("train", Queue.TRAIN, concurrency=1)
    enqueue_training(system)
    wait_until(lambda: system.count(f"{STATES}'done'") == 1, 60, "the training")
    elsewhere = {"MUSICSPACE_MODELS_DIR": str(system.folder / "elsewhere")}
    system.start_worker("enrich", Queue.ENRICH, concurrency=1, **elsewhere)
    log = system.folder / "enrich.log"
    wait_until(lambda: "[artifact-missing]" in log.read_text(), 30, "the worker to refuse")
    assert "MUSICSPACE_MODELS_DIR" in log.read_text()
