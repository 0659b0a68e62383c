"""Many users trained at once while imports run: imports keep their pace, memory is bounded, nothing is stuck.

The slow test prints how many models two processes train a minute, and what an import takes alone and beside them.
"""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from system import System, wait_until

from core.features import FEATURES
from core.user_models import ModelKind
from db.engine import open_session
from services.personal.jobs import start_init_models
from tasks.queues import Queue

CHANCE = random.Random(6)
UNFINISHED = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND kind = "


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    library: int
    users: int
    tracks_per_user: int
    imported: int  #: Tracks whose enrichment is timed, without trainings and beside them.
    patience_s: float
    kills: int = 0  #: How often a process that trains is killed; then the broker loses its messages, too.


SHORT = Scale(library=3_000, users=12, tracks_per_user=60, imported=500, patience_s=120, kills=2)
FULL = Scale(library=20_000, users=200, tracks_per_user=150, imported=20_000, patience_s=1_500)
# The catalog, the libraries and one training; Python with NumPy, SciPy, scikit-learn and CatBoost alone takes 250.
MOST_MIB = 900


@pytest.fixture
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-many-") as folder, System(Path(folder)) as started:
        models = started.folder / "models"
        models.mkdir()
        started.environment = {"MUSICSPACE_MODELS_DIR": str(models)}
        yield started


class Memory:
    """The largest process of a worker, looked at four times a second."""

    def __init__(self, system: System, worker: str) -> None:
        self.largest_mib = 0.0
        self._system, self._worker = system, worker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            parent = self._system.worker_parent(self._worker)
            if parent is None:
                continue
            for process in (parent, *parent.children(recursive=True)):
                try:
                    self.largest_mib = max(self.largest_mib, process.memory_info().rss / 2**20)
                except psutil.NoSuchProcess:
                    continue


def fill(system: System, scale: Scale) -> None:
    """A library with features, and users who own tracks of a few artists."""
    columns = ", ".join(feature.name for feature in FEATURES)
    values = ", ".join(f"{feature.low} + random() * {feature.high - feature.low}" for feature in FEATURES)
    with open_session(system.urls.database_url) as session:
        session.execute(
            text(f"""
                INSERT INTO tracks (identity_key, artist, title, genres, popularity, {columns})
                SELECT 'l' || i, 'Artist ' || i % 199, 'Song ' || i, ARRAY['genre ' || i % 7], i % 100, {values}
                FROM generate_series(1, :n) i
            """),
            {"n": scale.library},
        )
        session.execute(text("INSERT INTO users SELECT generate_series(1, :n)"), {"n": scale.users})
        session.execute(
            text("""
                INSERT INTO interactions (user_id, track_id, plays, last_played_at)
                SELECT u.id, t.id, 1 + t.id % 5, now() FROM users u CROSS JOIN LATERAL (
                    SELECT id FROM tracks WHERE (id + u.id) % 7 < 2 ORDER BY md5(id::text || u.id::text) LIMIT :n) t
            """),
            {"n": scale.tracks_per_user},
        )
        session.commit()


def start_trainings(system: System, scale: Scale) -> None:
    for user_id in range(1, scale.users + 1):
        with open_session(system.urls.database_url) as session:
            assert start_init_models(session, system.settings, user_id).created
            session.commit()


def seconds_to_enrich(system: System, scale: Scale) -> float:
    """Enqueue new tracks; seconds until the last one has its features."""
    with open_session(system.urls.database_url) as session:
        # The names of the tracks before stay theirs.
        session.execute(text("UPDATE tracks SET identity_key = 'x' || id WHERE identity_key NOT LIKE 'x%'"))
        session.commit()
    system.enqueue(tracks=scale.imported, chunk_size=250)
    return wait_until(lambda: system.count(f"{UNFINISHED}'enrich-all'") == 0, scale.patience_s, "the enrichment")


def hurt(system: System, scale: Scale) -> None:
    """Kill processes that train, fewer than put an item into quarantine, and lose all messages."""
    for _ in range(scale.kills):
        system.kill_worker_child("personal", CHANCE)
        time.sleep(1)
    if scale.kills:
        system.flush_broker()


def run(system: System, scale: Scale) -> float:
    """Returns how much longer an import takes beside trainings."""
    fill(system, scale)
    system.start_beat()
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    system.start_worker("enrich", Queue.ENRICH, concurrency=1)
    seconds_to_enrich(system, scale)  # The first one loads the predictor.
    alone_s = seconds_to_enrich(system, scale)
    system.start_worker("personal", Queue.PERSONAL, concurrency=2)
    with Memory(system, "personal") as memory:
        started = time.monotonic()
        start_trainings(system, scale)
        done = "SELECT count(*) FROM work_items WHERE kind = 'train-user' AND state = 'done'"
        wait_until(lambda: system.count(done) > 0, scale.patience_s, "the first training")
        hurt(system, scale)
        beside_s = seconds_to_enrich(system, scale)
        trained_meanwhile = system.count(done)
        wait_until(lambda: system.count(f"{UNFINISHED}'init-models'") == 0, scale.patience_s, "the trainings")
        trainings_s = time.monotonic() - started
    # Before and after: other work of this machine comes and goes.
    alone_s = max(alone_s, seconds_to_enrich(system, scale))
    n_models = scale.users * len(ModelKind)
    print(
        f"\n{scale.imported:,} tracks enriched: alone {alone_s:.1f} s, beside trainings {beside_s:.1f} s "
        f"({trained_meanwhile} models were trained by then)\n"
        f"{n_models} models of {scale.users} users in {trainings_s:.1f} s: {60 * n_models / trainings_s:.0f} a minute "
        f"with two processes; the largest had {memory.largest_mib:.0f} MiB"
    )
    ended = "SELECT count(*) FROM work_items WHERE kind = 'train-user' AND state"
    assert system.count(f"{ended} = 'done' AND (result ->> 'swapped')::boolean") == n_models
    assert system.count(f"{ended} <> 'done'") == 0
    assert system.count("SELECT count(*) FROM live_targets WHERE kind = 'train-user'") == 0
    assert system.count("SELECT count(*) FROM user_models WHERE state = 'serving'") >= n_models
    assert memory.largest_mib < MOST_MIB
    return beside_s / alone_s


@pytest.mark.timeout(420)
def test_users_are_trained_while_an_import_runs_and_workers_die(system: System) -> None:
    run(system, SHORT)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_two_hundred_users_trained_at_once_do_not_slow_imports(system: System) -> None:
    assert run(system, FULL) < 1.5
