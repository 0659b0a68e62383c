"""Recommendations over HTTP: one client, several at once, and the first requests of a process and of a library."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.recommend_library import add_track
from benchmarks.timing import UNCOUNTED, Measured, warm
from core.settings import Settings
from db.engine import open_session

_PORT = 18_431
_MERGED = "/api/recommend"
_SINGLE = ("/api/m1/recommend", "/api/m2/recommend", "/api/m3/recommend")
_CLIENTS = (4, 8)
#: How often the API looks whether the library has changed.
_REFRESH_S = 2.0
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Api:
    """The API as a process of its own, and a client that stays connected."""

    client: httpx.Client
    process: psutil.Process
    log: Path

    def ask(self, user_id: int, path: str = _MERGED, client: httpx.Client | None = None) -> Any:
        """The answer to a question for 20 tracks."""
        body = {"user_id": user_id, "limit": 20}
        return (client or self.client).post(path, json=body).raise_for_status().json()

    def wait_until_warm(self) -> None:
        """Until it says that it has read the library."""
        _wait_for(lambda: "catalog_read" in self.log.read_text(encoding="utf-8"))


@contextmanager
def api(settings: Settings) -> Iterator[Api]:
    """Start the API; it answers `GET /healthz`, and reads the library meanwhile."""
    environment = os.environ | {
        "MUSICSPACE_DATABASE_URL": settings.required_database_url,
        "MUSICSPACE_REDIS_URL": settings.required_redis_url,
        "MUSICSPACE_DATA_DIR": str(settings.data_dir),
        "MUSICSPACE_API__KEY": "benchmark",
        "MUSICSPACE_API__PORT": str(_PORT),
        "MUSICSPACE_PERSONAL__CATALOG_REFRESH_SECONDS": str(_REFRESH_S),
    }
    log = settings.data_dir / "api.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "api.server"], env=environment, stderr=stream)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=60) as client:
            _wait_for(lambda: _answers(client))
            yield Api(client, psutil.Process(process.pid), log)
    finally:
        process.terminate()
        process.wait(timeout=20)


def measure_http(settings: Settings, user_id: int, requests: int) -> Iterator[Measured]:
    """All that is measured over HTTP, as it comes."""
    with api(settings) as asked_at_once:
        yield _first("the first request of a process, asked at once", asked_at_once, user_id)
    with api(settings) as running:
        running.wait_until_warm()
        yield _first("the same, asked when the library is read", running, user_id)
        health = [lambda: running.client.get("/healthz").raise_for_status()] * requests
        yield warm("yardstick: GET /healthz", health)
        for path, count in ((_MERGED, requests), *((path, requests // 4) for path in _SINGLE)):
            yield from _one_client(running, user_id, path, count)
        for clients in _CLIENTS:
            yield from _at_once(running, user_id, clients, requests)
        yield from _library_change(running, settings, user_id)


def _first(name: str, running: Api, user_id: int) -> Measured:
    started = time.perf_counter()
    models = running.ask(user_id)["models"]
    seconds = time.perf_counter() - started
    assert {model["state"] for model in models.values()} == {"personal"}, f"the user is not trained: {models}"
    return Measured(name, [seconds])


def _one_client(running: Api, user_id: int, path: str, requests: int) -> Iterator[Measured]:
    before = _cpu_s(running)
    yield warm(f"POST {path}", [lambda: running.ask(user_id, path)] * requests)
    yield Measured(f"CPU of the API for each {path}", [(_cpu_s(running) - before) / (requests + UNCOUNTED)])


def _at_once(running: Api, user_id: int, clients: int, requests: int) -> Iterator[Measured]:
    """Every client asks again as soon as it has its answer."""

    def one_client(_: int) -> Sequence[float]:
        with httpx.Client(base_url=running.client.base_url, timeout=60) as own:
            return warm("", [lambda: running.ask(user_id, client=own)] * (requests // clients)).seconds

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        seconds = [each for found in pool.map(one_client, range(clients)) for each in found]
    passed = time.perf_counter() - started
    yield Measured(f"POST {_MERGED}, {clients} clients at once", seconds)
    name = f"throughput of {clients} clients: time for each answer"
    yield Measured(name, [passed / (len(seconds) + clients * UNCOUNTED)])


def _library_change(running: Api, settings: Settings, user_id: int) -> Iterator[Measured]:
    """One track more: answers while the library is read anew, and the first one upon the new library."""
    before = running.ask(user_id)["candidates"]
    with open_session(settings.required_database_url) as session:
        add_track(session)
        session.commit()
    seconds: list[float] = []
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        started = time.perf_counter()
        candidates = running.ask(user_id)["candidates"]
        seconds.append(time.perf_counter() - started)
        if candidates != before:
            break
    else:
        raise AssertionError("the library was not read anew")
    yield Measured("one client, while a changed library is read", seconds[:-1])
    yield Measured("the first request upon the new library", seconds[-1:])


def _cpu_s(running: Api) -> float:
    times = running.process.cpu_times()
    return float(times.user + times.system)


def _answers(client: httpx.Client) -> bool:
    try:
        client.get("/healthz").raise_for_status()
    except httpx.TransportError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "the API takes too long"
        time.sleep(0.02)
