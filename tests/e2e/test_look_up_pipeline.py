"""An import through failing providers: a limit, a kill and an outage; nothing is lost, nothing paid twice."""

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from system import System, wait_until

from core.features import FEATURE_NAMES
from core.identity import normalized_key
from core.settings import ImportSettings
from db.engine import open_session
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.fake_providers.call_log import busiest_window
from integrations.fake_providers.truth import Knowledge
from services.importing import import_playlist
from services.playlists.reader import parse_playlist
from tasks.queues import Queue

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
WORKERS, THREADS = 3, 4
UNKNOWN = 0.1
# Answers that a client can use, and therefore must never ask for again. The others are faults.
USABLE = frozenset({"ok", "prose", "garbled", "out-of-range", "wrong-track", "blocked", "obey-injection"})


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    tracks: int
    tracks_per_prompt: int
    calls_per_minute: int
    outage_s: float
    patience_s: float


SHORT = Scale(tracks=400, tracks_per_prompt=5, calls_per_minute=45, outage_s=12, patience_s=240)
FULL = Scale(tracks=5_000, tracks_per_prompt=2, calls_per_minute=600, outage_s=600, patience_s=1_500)


@pytest.fixture
def fakes() -> Iterator[FakeProviders]:
    with running_fakes(faults="random:0.2", seed=SEED, unknown=UNKNOWN, latency_ms=40) as running:
        yield running


@pytest.fixture
def system(fakes: FakeProviders) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-look-ups-") as folder, System(Path(folder)) as started:
        started.environment |= {
            "MUSICSPACE_RECCOBEATS__ENABLED": "true",
            "MUSICSPACE_RECCOBEATS__BASE_URL": fakes.reccobeats_url,
            "MUSICSPACE_RECCOBEATS__TIMEOUT_SECONDS": "2",
            "MUSICSPACE_GEMINI__API_KEY": "no-key-needed-here",
            "MUSICSPACE_GEMINI__BASE_URL": fakes.gemini_url,
            "MUSICSPACE_GEMINI__TIMEOUT_SECONDS": "3",
            "MUSICSPACE_GEMINI__CALLS_PER_DAY": "100000",
            "MUSICSPACE_GEMINI__TOKENS_PER_MINUTE": "100000000",
            "MUSICSPACE_GEMINI__BUDGET_USD_PER_DAY": "1000",
            "MUSICSPACE_LOOK_UP__MIN_GAIN": "0",
            "MUSICSPACE_LOOK_UP__WAIT_SECONDS": "2",
            "MUSICSPACE_LOOK_UP__BREAKER_SECONDS": "2",
            "MUSICSPACE_LOOK_UP__BREAKER_CAP_SECONDS": "20",
        }
        yield started


def playlist(n: int) -> bytes:
    """Three tracks of five have a Spotify id."""
    rows = [f"{f'{i:022d}' if i % 5 < 3 else ''},Artist {i % 211},밤편지 {i}" for i in range(n)]
    return "\n".join(["spotify_id,artist,title", *rows]).encode()


def start_import(system: System, n: int) -> int:
    with open_session(system.urls.database_url) as session:
        summary = import_playlist(
            session,
            parse_playlist(playlist(n), "list.csv", ImportSettings()),
            user_id=1,
            name="list",
            predictor="m1",
            chunk_size=500,
            look_up=True,
        )
        session.commit()
    assert summary.enqueued == n
    return summary.job_id


def start_workers(system: System, scale: Scale) -> None:
    limit = str(scale.calls_per_minute)
    system.environment |= {
        "MUSICSPACE_RECCOBEATS__CALLS_PER_MINUTE": limit,
        "MUSICSPACE_GEMINI__CALLS_PER_MINUTE": limit,
        "MUSICSPACE_GEMINI__TRACKS_PER_PROMPT": str(scale.tracks_per_prompt),
    }
    system.start_worker("enrich", Queue.ENRICH)
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    for number in range(WORKERS):
        system.start(
            f"api-{number}",
            *("worker", f"--queues={Queue.LOOKUP}", f"--concurrency={THREADS}", "--pool=threads"),
            f"--hostname=api-{number}@%h",
            module="workers.api",
        )
    system.start_beat()


def finished(system: System, kind: str) -> bool:
    return bool(system.count(f"SELECT count(*) FROM jobs WHERE kind = '{kind}' AND finished_at IS NOT NULL"))


def answered(system: System, source: str) -> int:
    return system.count(f"SELECT count(*) FROM track_estimates WHERE source = '{source}'")


def stored(system: System, source: str) -> set[str]:
    """The tracks with an estimate of a source, by Spotify id and by key."""
    tracks = "SELECT t.spotify_id, t.artist, t.title FROM tracks t JOIN track_estimates e ON e.track_id = t.id"
    with open_session(system.urls.database_url) as session:
        rows = session.execute(text(f"{tracks} WHERE e.source = :source"), {"source": source}).all()
    return {name for spotify_id, artist, title in rows for name in (spotify_id, normalized_key(artist, title))}


def told(fakes: FakeProviders, route: str) -> set[str]:
    """The tracks of which the last whole answer was a sound one; an earlier one may have died with its worker."""
    knowledge = Knowledge(unknown_share=UNKNOWN, seed=SEED)
    knows = knowledge.by_spotify_id if route == "features" else lambda key: knowledge.by_names(*key.split("|"))
    answers = [call for call in fakes.calls() if call["route"] == route and call["answered"]]
    faults = {track: call["fault"] for call in answers for track in call["tracks"]}
    return {track for track, fault in faults.items() if fault == "ok" and knows(track)}


def paid_twice(fakes: FakeProviders) -> Counter[str]:
    """Tracks that a search was answered for more than once, usably, and how often too many."""
    counts = Counter(
        track
        for call in fakes.calls()
        if call["route"] == "search" and call["answered"] and call["fault"] in USABLE
        for track in call["tracks"]
    )
    return Counter({track: n - 1 for track, n in counts.items() if n > 1})


@pytest.mark.timeout(400)
def test_an_import_through_failing_providers(system: System, fakes: FakeProviders) -> None:
    run(system, fakes, SHORT)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_five_thousand_tracks_and_ten_minutes_of_outage(system: System, fakes: FakeProviders) -> None:
    run(system, fakes, FULL)


def run(system: System, fakes: FakeProviders, scale: Scale) -> None:
    print(f"seed {SEED}, {scale}")
    fakes.control(outage={"reccobeats": True})
    outage_ends = time.monotonic() + scale.outage_s
    start_import(system, scale.tracks)
    start_workers(system, scale)
    took = wait_until(lambda: finished(system, "import"), 60, "the import is done although a provider is away")
    print(f"import done after {took:.1f} s")
    lacking = " OR ".join(f"{name} IS NULL" for name in FEATURE_NAMES)
    assert system.count(f"SELECT count(*) FROM tracks WHERE {lacking}") == 0

    # Gemini's tracks need no ReccoBeats, and are answered during its outage.
    wait_until(lambda: answered(system, "gemini") >= scale.tracks // 8, scale.patience_s, "answers during the outage")
    print(f"{answered(system, 'gemini')} tracks answered by Gemini during the outage")
    system.kill_worker_parent("api-0")
    time.sleep(max(0.0, outage_ends - time.monotonic()))
    assert answered(system, "reccobeats") == 0
    assert system.count("SELECT count(*) FROM work_items WHERE state IN ('failed', 'quarantined')") == 0
    fakes.control(outage={"reccobeats": False})
    took = wait_until(lambda: finished(system, "look-up"), scale.patience_s, "every look-up ended")
    print(f"look-ups done {took:.1f} s after the outage")
    judge(system, fakes, scale)


def judge(system: System, fakes: FakeProviders, scale: Scale) -> None:
    """What the acceptance asks for, counted at the providers and in the database."""
    for provider in ("reccobeats", "gemini"):
        calls = [call for call in fakes.calls() if call["provider"] == provider]
        busiest = busiest_window(calls, 60.0)
        print(f"{provider}: {len(calls)} calls, busiest minute {busiest} of {scale.calls_per_minute}")
        assert busiest <= scale.calls_per_minute
    twice = paid_twice(fakes)
    print(f"paid twice: {sum(twice.values())} tracks")
    # Each thread of the killed worker may have had one call under way.
    assert sum(twice.values()) <= THREADS * scale.tracks_per_prompt
    assert system.count("SELECT count(*) FROM jobs WHERE kind = 'look-up'") == 1
    assert system.count("SELECT count(*) FROM work_items WHERE state <> 'done'") == 0
    lacking = " OR ".join(f"{name} IS NULL" for name in FEATURE_NAMES)
    assert system.count(f"SELECT count(*) FROM tracks WHERE {lacking}") == 0
    for route, source in (("features", "reccobeats"), ("search", "gemini")):
        sound, kept = told(fakes, route), stored(system, source)
        print(f"{source}: {len(sound)} tracks with a sound answer, {len(sound - kept)} of them lost")
        assert sound, "a provider that answered nothing proves nothing"
        assert sound <= kept
    unanswered = system.count("SELECT coalesce(sum((result->>'unanswered')::int), 0) FROM work_items")
    assert unanswered == 0, "nothing was given up on"
