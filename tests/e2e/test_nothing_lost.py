"""Nothing lost, nothing twice: real processes, killed for real, while they enrich tracks in many small items."""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from system import System, wait_until

from core.features import FEATURE_NAMES
from db.engine import open_session
from tasks.queues import Queue

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

# More items than processes: only new messages, claims and commits carry the count past it.
IN_FLIGHT = 8

Event = Callable[[System, random.Random], None]

EVENTS: dict[str, Event] = {
    "kill -9 of a pool process": lambda system, chance: system.kill_worker_child("enrich", chance),
    "kill -9 of the worker": lambda system, chance: system.kill_worker_parent("enrich"),
    "FLUSHALL": lambda system, chance: system.flush_broker(),
    "crash of Valkey": lambda system, chance: system.crash_server("valkey"),
    "crash of Postgres": lambda system, chance: system.crash_server("postgres"),
    "kill -9 of the dispatcher": lambda system, chance: system.kill_worker_parent("maintenance"),
}


@pytest.fixture
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-chaos-") as folder, System(Path(folder)) as started:
        (started.folder / "deaths").mkdir()
        started.environment |= {"CHAOS_SEED": str(SEED), "CHAOS_DEATHS": str(started.folder / "deaths")}
        yield started


def run(system: System, *, tracks: int, chunk_size: int, kill_share: float, double: bool) -> None:
    """Enqueue the tracks and start two dispatchers and a worker with the chosen troubles."""
    system.enqueue(tracks=tracks, chunk_size=chunk_size)
    troubles = {"CHAOS_KILL_SHARE": str(kill_share), "CHAOS_DOUBLE": "1" if double else ""}
    system.start_worker("enrich", Queue.ENRICH, module="chaos_worker", **troubles)
    for name in ("maintenance", "maintenance-2"):
        system.start_worker(name, Queue.MAINTENANCE, concurrency=1, module="chaos_worker", **troubles)
    system.start_beat()
    system.start_beat("beat-2")


def hurt(system: System, events: dict[str, Event], total: int) -> dict[str, float]:
    """Let each event happen at its share of the progress; returns the seconds from each until work flows again."""
    chance = random.Random(SEED)
    recovery = {}
    for number, (name, event) in enumerate(events.items(), start=1):
        threshold = total * number // (len(events) + 1)
        wait_for_items(system, threshold, f"{threshold} of {total} items done before {name}")
        before = system.done()
        event(system, chance)
        recovery[name] = wait_for_items(system, before + IN_FLIGHT + 1, f"work going on after {name}")
    return recovery


def wait_for_items(system: System, n: int, what: str) -> float:
    return wait_until(lambda: system.done() >= n, 120, what)


def verify(system: System, *, tracks: int, items: int) -> None:
    """Every item done exactly once, every effect there exactly once, nothing left over."""
    with open_session(system.urls.database_url) as session:
        query = "SELECT id, state, losses, error_code, error_message FROM work_items WHERE state <> 'done'"
        assert session.execute(text(query)).all() == []
    assert system.count("SELECT count(*) FROM work_items") == items
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'done'") == items
    assert system.count("SELECT count(DISTINCT work_item_id) FROM attempts WHERE outcome = 'done'") == items
    assert system.count("SELECT count(*) FROM attempts WHERE outcome IS NULL") == 0
    assert system.count("SELECT count(*) FROM track_estimates") == tracks
    assert system.count("SELECT count(*) FROM track_estimates WHERE revision <> 1") == 0, "an effect happened twice"
    lacking = " OR ".join(f"{name} IS NULL" for name in FEATURE_NAMES)
    assert system.count(f"SELECT count(*) FROM tracks WHERE {lacking}") == 0
    assert system.count("SELECT count(*) FROM live_targets") == 0
    assert system.count("SELECT count(*) FROM jobs WHERE finished_at IS NULL") == 0


def survive(
    system: System,
    events: dict[str, Event],
    report: Callable[[str], None],
    *,
    tracks: int,
    chunk_size: int,
    kill_share: float = 0.0,
    double: bool = False,
) -> None:
    items = -(-tracks // chunk_size)
    started = time.monotonic()
    run(system, tracks=tracks, chunk_size=chunk_size, kill_share=kill_share, double=double)
    recovery = hurt(system, events, items)
    finished = "SELECT count(*) FROM jobs WHERE finished_at IS NOT NULL"
    wait_until(lambda: system.count(finished) == 1, 180, "the job finished")
    deaths = len(list((system.folder / "deaths").iterdir()))
    lost = system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'")
    report(
        f"seed {SEED}: {tracks} tracks in {items} items, {time.monotonic() - started:.1f} s, "
        f"{deaths} deaths inside the protocol, {lost} attempts lost"
    )
    for name, seconds in recovery.items():
        report(f"  recovery after {name}: {seconds:.2f} s")
    verify(system, tracks=tracks, items=items)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print past pytest's capture: the seed and the recovery times are results."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")

    return say


def test_everything_at_once_short(system, report):
    """The form for every test run: all troubles together on fewer tracks."""
    survive(system, EVENTS, report, tracks=2_000, chunk_size=4, kill_share=0.02, double=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_everything_at_once(system, report):
    survive(system, EVENTS, report, tracks=10_000, chunk_size=4, kill_share=0.01, double=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EVENTS)
def test_one_trouble(system, report, name):
    survive(system, {name: EVENTS[name]}, report, tracks=10_000, chunk_size=10)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_death_inside_the_protocol(system, report):
    survive(system, {}, report, tracks=10_000, chunk_size=10, kill_share=0.05)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_message_twice(system, report):
    survive(system, {}, report, tracks=10_000, chunk_size=10, double=True)
