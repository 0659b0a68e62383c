"""Tracks per second from import to last result, beside what bounds it: one in-process loop, and bare messages."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from benchmarks.cpu import cpu_seconds
from benchmarks.synthetic import playlist_csv
from cli.temporary_worker import worker_at_hand
from core.settings import Settings
from core.work import JobKind, WorkKind
from db.engine import get_engine, open_session
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from models.registry import load_predictor
from services.enrichment import enrich_tracks
from services.importing import import_playlist
from services.job_control import get_job
from services.playlists.reader import parse_playlist
from tasks.publishing import dispatch


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement: `n` things in `seconds`."""

    name: str
    unit: str
    n: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.n / self.seconds


def timed(name: str, unit: str, n: int, action: Callable[[], object]) -> Result:
    """Run once and measure."""
    started = time.perf_counter()
    action()
    return Result(name, unit, n, time.perf_counter() - started)


def measure_parsing(settings: Settings, data: bytes, n: int) -> Result:
    """Bytes to validated rows, without a database."""
    return timed("parse", "rows", n, lambda: parse_playlist(data, "bench.csv", settings.imports))


def measure_import(settings: Settings, data: bytes, n: int, user: int) -> tuple[Result, int]:
    """Bytes to committed tracks, playlist, job and items; returns the job too."""
    jobs: list[int] = []

    def run() -> None:
        playlist = parse_playlist(data, "bench.csv", settings.imports)
        with open_session(settings.required_database_url) as session:
            summary = import_playlist(
                session, playlist, user_id=user, name="bench", predictor="m1", chunk_size=settings.enrich.chunk_size
            )
            session.commit()
        jobs.append(summary.job_id)

    return timed("import", "rows", n, run), jobs[0]


def measure_loop(settings: Settings, n: int) -> Result:
    """The yardstick: one process predicts and writes chunk after chunk, no queue, no ledger."""
    predictor = load_predictor("m1")
    with open_session(settings.required_database_url) as session:
        ids = session.scalars(text("SELECT id FROM tracks ORDER BY id")).all()

    def run() -> None:
        with open_session(settings.required_database_url) as session:
            for start in range(0, n, settings.enrich.chunk_size):
                enrich_tracks(session, list(ids[start : start + settings.enrich.chunk_size]), predictor)
                session.commit()

    return timed("in-process loop", "tracks", n, run)


def forget_features(settings: Settings) -> None:
    """Bring the tracks back to the state after an import, so that the next measurement finds the same work."""
    with open_session(settings.required_database_url) as session:
        session.execute(text("TRUNCATE track_estimates"))
        session.execute(text("UPDATE tracks SET energy = NULL, feature_sources = '{}', external_metadata = '{}'"))
        session.commit()
    engine = get_engine(settings.required_database_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM FULL tracks"))
        connection.execute(text("VACUUM ANALYZE"))


def measure_end_to_end(settings: Settings, n: int) -> tuple[Result, dict[str, float]]:
    """Enqueue everything and wait for the last commit, through broker, two worker processes and ledger."""
    groups = {"postgres": "postgres", "valkey": "valkey-server", "workers": "workers.cpu"}
    with cpu_seconds(groups) as used:
        started = time.perf_counter()
        with open_session(settings.required_database_url) as session:
            job_id, _ = create_job(session, JobKind.ENRICH_ALL)
            ids = session.scalars(text("SELECT id FROM tracks ORDER BY id")).all()
            enqueue_targets(session, job_id, WorkKind.ENRICH, ids, version="m1", chunk_size=settings.enrich.chunk_size)
            seal_job(session, job_id, {})
            session.commit()
        dispatch(settings)
        while not _finished(settings, job_id):
            time.sleep(0.05)
        seconds = time.perf_counter() - started
    return Result("end to end, two processes", "tracks", n, seconds), used


def measure_dispatch(settings: Settings, n_items: int) -> Result:
    """Items marked in Postgres and sent as messages, one by one; the job is cancelled before anybody takes them."""
    with open_session(settings.required_database_url) as session:
        job_id, _ = create_job(session, JobKind.ENRICH_ALL)
        enqueue_targets(session, job_id, WorkKind.ENRICH, range(n_items), version="bench", chunk_size=1)
        seal_job(session, job_id, {})
        session.commit()
    wide = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"window": n_items})})
    result = timed("dispatch", "items", n_items, lambda: dispatch(wide))
    with open_session(settings.required_database_url) as session:
        session.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        session.commit()
    return result


def measure_noop_messages(settings: Settings, n: int) -> Result:
    """The other yardstick: Celery messages that do nothing, drained by two processes."""
    from benchmarks.noop_worker import app, noop

    with app.producer_pool.acquire(block=True) as producer:
        for number in range(n):
            noop.apply_async(args=[number], producer=producer)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "benchmarks.noop_worker", "worker", "-Q", "noop", "-c", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        waiting = _wait_until_started(app, n)
        return timed("no-op messages, two processes", "messages", waiting, lambda: _wait_until_empty(app))
    finally:
        worker.terminate()
        worker.wait()


def _wait_until_started(app: object, n: int) -> int:
    while (depth := _depth(app)) == n:
        time.sleep(0.01)
    return depth


def _wait_until_empty(app: object) -> None:
    while _depth(app):
        time.sleep(0.01)


def _depth(app: object) -> int:
    with app.connection_for_read() as connection:  # type: ignore[attr-defined]
        return int(connection.default_channel.queue_declare("noop").message_count)


def _finished(settings: Settings, job_id: int) -> bool:
    with open_session(settings.required_database_url) as session:
        return get_job(session, job_id).finished_at is not None


def run_all(settings: Settings, n: int) -> tuple[list[Result], dict[str, float]]:
    """Every measurement, in an order in which none disturbs the next."""
    data = playlist_csv(n)
    results = [measure_parsing(settings, data, n)]
    imported, job_id = measure_import(settings, data, n, user=1)
    results.append(imported)
    with open_session(settings.required_database_url) as session:
        session.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        session.commit()
    results.append(measure_dispatch(settings, 5_000))
    _empty_broker(settings)
    results.append(measure_noop_messages(settings, 5_000))
    results.append(measure_loop(settings, n))
    forget_features(settings)
    with worker_at_hand(settings):
        _wait_for_worker(settings)
        end_to_end, used = measure_end_to_end(settings, n)
    forget_features(settings)
    results += [end_to_end, measure_loop(settings, n)]
    return results, used


def _wait_for_worker(settings: Settings) -> None:
    while True:
        with open_session(settings.required_database_url) as session:
            if session.scalar(text("SELECT count(*) FROM worker_heartbeats")):
                return
        time.sleep(0.05)


def _empty_broker(settings: Settings) -> None:
    import redis

    with redis.Redis.from_url(settings.required_redis_url) as client:
        client.flushdb()
