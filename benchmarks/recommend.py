"""`python -m benchmarks.recommend [--tracks N] [--requests N]`: recommendations over HTTP for a trained user.

Beside them, in the same run: the bare health request, and one product of a matrix as large as the library.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.recommend_library import add_user, fill
from benchmarks.recommend_stages import stages, train
from benchmarks.timing import UNCOUNTED, Measured, show, warm
from core.settings import Settings, get_settings
from db.engine import get_engine, open_session
from db.migrate import upgrade
from integrations.embedded import embedded_servers
from services.personal.catalog_store import current_catalog

_USER = 1
_COMMUNITY = 40
_PORT = 18_431
_ENDPOINTS = ("/api/recommend", "/api/m1/recommend", "/api/m2/recommend", "/api/m3/recommend")
_START_S = 60.0


@contextmanager
def api(settings: Settings) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """The API as a process of its own, and a client that stays connected."""
    environment = os.environ | {
        "MUSICSPACE_DATABASE_URL": settings.required_database_url,
        "MUSICSPACE_REDIS_URL": settings.required_redis_url,
        "MUSICSPACE_DATA_DIR": str(settings.data_dir),
        "MUSICSPACE_API__KEY": "benchmark",
        "MUSICSPACE_API__PORT": str(_PORT),
        "MUSICSPACE_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen([sys.executable, "-m", "api.server"], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=60) as client:
            _wait_for(client)
            yield client, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def measure_http(settings: Settings, requests: int) -> list[Measured]:
    """All endpoints, one request after the other."""
    with api(settings) as (client, process):

        def ask(path: str) -> httpx.Response:
            return client.post(path, json={"user_id": _USER, "limit": 20}).raise_for_status()

        started = time.perf_counter()
        first = ask(_ENDPOINTS[0]).json()
        results = [Measured("the first request of a process, which reads the library", [time.perf_counter() - started])]
        states = {kind: model["state"] for kind, model in first["models"].items()}
        assert set(states.values()) == {"personal"}, f"the user is not trained: {first['models']}"
        results.append(warm("yardstick: GET /healthz", [lambda: client.get("/healthz").raise_for_status()] * requests))
        for path in _ENDPOINTS:
            before = process.cpu_times()
            measured = warm(f"POST {path}", [lambda path=path: ask(path)] * requests)
            spent = _cpu_s(process.cpu_times()) - _cpu_s(before)
            results += [measured, Measured(f"CPU of the API for each {path}", [spent / (requests + UNCOUNTED)])]
    return results


def _cpu_s(times: Any) -> float:
    return float(times.user + times.system)


def yardstick(n_tracks: int, runs: int) -> Measured:
    """What only multiplying a matrix as large as the library costs."""
    rng = np.random.default_rng(0)
    matrix, vector = rng.random((n_tracks, 64), dtype=np.float32), rng.random(64, dtype=np.float32)
    return warm(f"yardstick: NumPy, {n_tracks:,} x 64 times a vector", [lambda: matrix @ vector] * runs)


def run_all(settings: Settings, n_tracks: int, owned: int, requests: int, data: Path | None) -> list[Measured]:
    """Fill a database, train, and measure."""
    with open_session(settings.required_database_url) as session:
        fill(session, n_tracks, data)
        session.commit()
        add_user(session, _USER, owned, owned // 2)
        for user_id in range(_USER + 1, _USER + 1 + _COMMUNITY):
            add_user(session, user_id, 300, 100)
    started = time.perf_counter()
    loaded = current_catalog(settings)
    results = [Measured(f"read {len(loaded.catalog):,} tracks", [time.perf_counter() - started])]
    with open_session(settings.required_database_url) as session:
        results += [Measured(name, [seconds]) for name, seconds in train(session, settings, _USER)]
        session.commit()
    results += measure_http(settings, requests)
    # As in the API, see `api.server`.
    with threadpool_limits(1), open_session(settings.required_database_url) as session:
        results += [warm(f"of which: {name}", [stage] * requests) for name, stage in stages(session, settings, _USER)]
    return [*results, yardstick(n_tracks, requests)]


def main() -> None:
    """Measure on embedded servers in a temporary folder, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommend", description=__doc__)
    parser.add_argument("--tracks", type=int, default=65_000)
    parser.add_argument("--owned", type=int, default=2_000, help="Tracks of the user.")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--data", type=Path, help="A reference table; without one, tracks are made up.")
    parser.add_argument("--out", type=Path, default=Path("bench-results/recommend.json"))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="musicspace-bench-"))
    folder.chmod(0o755)
    own = get_settings().model_copy(update={"data_dir": folder, "database_url": None, "redis_url": None})
    try:
        with embedded_servers(own) as urls:
            upgrade(urls.database_url)
            settings = own.model_copy(update={"database_url": urls.database_url, "redis_url": urls.redis_url})
            results = run_all(settings, options.tracks, options.owned, options.requests, options.data)
            get_engine(urls.database_url).dispose()
    finally:
        shutil.rmtree(folder)
    show(results)
    figures = {
        result.name: {"p50_ms": result.percentile_ms(50), "p95_ms": result.percentile_ms(95)} for result in results
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"python": platform.python_version(), "cores": os.cpu_count(), **figures}
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _wait_for(client: httpx.Client) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            client.get("/healthz").raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
