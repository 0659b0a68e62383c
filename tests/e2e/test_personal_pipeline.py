"""From an import to recommendations, with real processes: API, workers, beat."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from system import FAST_LEDGER, System, wait_until

from tasks.queues import Queue

OWNED, OTHERS = 2_000, 3_000
USER, SOMEBODY = 123, 456
GENRES = ("folk", "house", "metal", "jazz", "인디")
_LISTENING = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-personal-") as folder, System(Path(folder)) as started:
        models = started.folder / "models"
        models.mkdir()
        started.environment = {
            "MUSICSPACE_MODELS_DIR": str(models),
            "MUSICSPACE_PERSONAL__DEBOUNCE_SECONDS": "1",
            "MUSICSPACE_PERSONAL__CATALOG_REFRESH_SECONDS": "1",
        }
        yield started


@contextmanager
def running_api(system: System) -> Iterator[httpx.Client]:
    """The API as a process on a free port, and a client with its key."""
    environment = os.environ | FAST_LEDGER | system.environment
    environment |= {
        "MUSICSPACE_DATABASE_URL": system.urls.database_url,
        "MUSICSPACE_REDIS_URL": system.urls.redis_url,
        "MUSICSPACE_API__KEY": "k",
        "MUSICSPACE_API__PORT": "0",
    }
    log = system.folder / "api.log"
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "api.server"], env=environment, stderr=output)
    try:
        wait_until(lambda: _LISTENING.search(log.read_text()) is not None, 30, "the API to listen")
        [url] = set(_LISTENING.findall(log.read_text()))
        with httpx.Client(base_url=url, headers={"X-API-Key": "k"}, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)


def start_workers(system: System, *, personal: int = 1) -> None:
    system.start_worker("enrich", Queue.ENRICH)
    system.start_worker("personal", Queue.PERSONAL, concurrency=personal)
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    system.start_beat()


def import_tracks(client: httpx.Client, user_id: int, first: int, n: int, name: str = "all") -> int:
    """Import tracks number `first` and on; genres come in blocks of a fifth of all numbers."""
    tracks = [
        {
            "artist": f"Artist {number % 5}-{number % 97}",
            "title": f"밤편지 {number}",
            "album": f"Album {number % 311}",
            "genres": GENRES[number % 5],
            "popularity": number % 100,
        }
        for number in range(first, first + n)
    ]
    answer = client.post("/api/playlists/import", json={"user_id": user_id, "name": name, "tracks": tracks})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["job_id"])


def wait_for_job(client: httpx.Client, job_id: int, timeout_s: float = 180) -> dict:
    wait_until(lambda: client.get(f"/api/jobs/{job_id}").json()["finished_at"] is not None, timeout_s, f"job {job_id}")
    return client.get(f"/api/jobs/{job_id}").json()


def owned_by(system: System, user_id: int) -> set[int]:
    from sqlalchemy import text

    from db.engine import open_session

    with open_session(system.urls.database_url) as session:
        query = text(
            "SELECT track_id FROM playlists p JOIN playlist_tracks t ON t.playlist_id = p.id WHERE p.user_id = :id"
        )
        return set(session.scalars(query, {"id": user_id}))


@pytest.mark.timeout(420)
def test_from_an_import_to_recommendations(system: System) -> None:
    start_workers(system)
    with running_api(system) as client:
        started = time.monotonic()
        import_tracks(client, SOMEBODY, 0, OTHERS)
        # Not a moment is waited: the models wait for the features that the import fills.
        import_tracks(client, USER, OTHERS, OWNED)
        first = client.post("/api/init-models", json={"user_id": USER})
        assert first.status_code == 202
        assert client.post("/api/init-models", json={"user_id": USER}).json()["id"] == first.json()["id"]
        job = wait_for_job(client, first.json()["id"])
        print(f"\nimport of {OWNED:,} tracks -> three models: {time.monotonic() - started:.1f} s")
        assert (job["state"], job["errors"]) == ("done", {})
        models = client.get(f"/api/users/{USER}/models").json()["models"]
        assert [(model["kind"], model["state"]) for model in models] == [(kind, "ready") for kind in ("m1", "m2", "m3")]
        assert all(model["metrics"]["gate"]["held_out"] > 100 for model in models)
        owned = owned_by(system, USER)
        assert len(owned) == OWNED
        for path in ("/api/recommend", "/api/m1/recommend", "/api/m2/recommend", "/api/m3/recommend"):
            answer = client.post(path, json={"user_id": USER, "limit": 50})
            assert answer.status_code == 200, answer.text
            found = [item["track_id"] for item in answer.json()["items"]]
            assert len(found) == len(set(found)) == 50
            assert not owned & set(found)
        _changes_are_learned(client, system, owned)


def _changes_are_learned(client: httpx.Client, system: System, owned: set[int]) -> None:
    """A dislike takes a track away at once, and once the user is quiet the models are trained anew."""
    [first, *_] = client.post("/api/recommend", json={"user_id": USER, "limit": 5}).json()["items"]
    events = [
        {"event_id": "d", "kind": "dislike", "track_id": first["track_id"]},
        *({"event_id": f"p{track}", "kind": "play", "track_id": track} for track in sorted(owned)[:100]),
    ]
    sent = [event | {"user_id": USER, "occurred_at": "2026-05-04T09:30:00Z"} for event in events]
    before = client.get(f"/api/m2/status/{USER}").json()
    assert client.post("/api/interactions", json={"events": sent}).json()["accepted"] == 101
    again = client.post("/api/recommend", json={"user_id": USER, "limit": 50}).json()["items"]
    assert first["track_id"] not in [item["track_id"] for item in again]
    done = "SELECT count(*) FROM jobs WHERE params ->> 'reason' = 'outdated' AND finished_at IS NOT NULL"
    wait_until(lambda: system.count(done) >= 1, 120, "the trainings anew")
    after = client.get(f"/api/m2/status/{USER}").json()
    assert after["state"] == "ready"
    assert after["last_training"]["job_id"] != before["last_training"]["job_id"]
