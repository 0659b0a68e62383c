"""`python -m benchmarks.recommend [--tracks N] [--requests N]`: recommendations over HTTP for a trained user.

Beside them, in the same run: the bare health request, and one product of a matrix as large as the library. M3 draws
upon a community of 4,000 users who play 100 to 300 tracks each.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.recommend_http import measure_http
from benchmarks.recommend_library import add_community, add_user, fill
from benchmarks.recommend_stages import stages, train
from benchmarks.timing import Measured, show, warm
from core.settings import Settings, get_settings
from db.engine import get_engine, open_session
from db.migrate import upgrade
from integrations.embedded import embedded_servers
from services.personal.catalog_store import current_catalog

_USER = 1


def yardstick(n_tracks: int, runs: int) -> Measured:
    """What only multiplying a matrix as large as the library costs."""
    rng = np.random.default_rng(0)
    matrix, vector = rng.random((n_tracks, 64), dtype=np.float32), rng.random(64, dtype=np.float32)
    return warm(f"yardstick: NumPy, {n_tracks:,} x 64 times a vector", [lambda: matrix @ vector] * runs)


def run_all(settings: Settings, options: argparse.Namespace) -> Iterator[Measured]:
    """Fill a database, train, and measure."""
    started = time.perf_counter()
    with open_session(settings.required_database_url) as session:
        fill(session, options.tracks, options.data)
        session.commit()
        add_user(session, _USER, options.owned, options.owned // 2)
        add_community(session, range(_USER + 1, _USER + 1 + options.community))
        session.commit()
    yield Measured("write the library and its users", [time.perf_counter() - started])
    started = time.perf_counter()
    loaded = current_catalog(settings)
    yield Measured(f"read {len(loaded.catalog):,} tracks", [time.perf_counter() - started])
    # As in the workers and in the API, see `api.server`.
    with threadpool_limits(1), open_session(settings.required_database_url) as session:
        for name, seconds in train(session, settings, _USER):
            yield Measured(name, [seconds])
        session.commit()
    yield from measure_http(settings, _USER, options.requests)
    with threadpool_limits(1), open_session(settings.required_database_url) as session:
        for name, stage in stages(session, settings, _USER):
            yield warm(f"of which: {name}", [stage] * (options.requests // 4))
    yield yardstick(options.tracks, options.requests)


def main() -> None:
    """Measure on embedded servers in a temporary folder, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommend", description=__doc__)
    parser.add_argument("--tracks", type=int, default=65_000)
    parser.add_argument("--owned", type=int, default=2_000, help="Tracks of the user.")
    parser.add_argument("--community", type=int, default=4_000, help="Other users.")
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
            results = []
            for measured in run_all(settings, options):
                print(f"{measured.name}: {measured.percentile_ms(50):,.1f} ms", flush=True)
                results.append(measured)
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


if __name__ == "__main__":
    main()
