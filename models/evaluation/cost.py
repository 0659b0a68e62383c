"""What a predictor costs: tracks per second, latency of one track, time to load, size on disk.

A shared machine is noisy, so every measurement comes with a yardstick from the same run (`yardstick_per_second`).
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ConfigurationError
from core.tracks import TrackBatch
from models.artifacts import load_artifact
from models.predictors.protocol import FeaturePredictor

#: Enrichment hands tracks to a predictor in chunks of this size; speed is measured likewise.
CHUNK_SIZE = 500
SPEED_TRACKS = 20_000
LATENCY_TRACKS, WARM_UP_TRACKS = 300, 20
YARDSTICK_S = 0.5

# Runs in a process of its own: nothing is imported yet, as when a worker starts.
_LOAD_SCRIPT = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from models.registry import load_predictor
load_predictor(sys.argv[1], Path(sys.argv[2]))
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Speed and size of one predictor."""

    tracks_per_second: float  #: One process, chunks of `CHUNK_SIZE`, texts it has not seen before
    p50_ms: float  #: Median time of a call with one track, warm
    p95_ms: float
    load_s: float  #: Imports and loading in a fresh process, files in the page cache
    artifact_bytes: int  #: Data files that its model card names
    yardstick_per_second: float  #: Matrix products a second in the same minute, see `yardstick_per_second`


def measure_cost(predictor: FeaturePredictor, tracks: TrackBatch, artifacts_dir: Path) -> Cost:
    """Measure a freshly loaded predictor, whose artifact lies below `artifacts_dir`, on tracks of a table."""
    tracks_per_second = measure_speed(predictor, tracks)
    p50_ms, p95_ms = measure_latency(predictor, tracks)
    return Cost(
        tracks_per_second=tracks_per_second,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        load_s=measure_load(predictor.name, artifacts_dir),
        artifact_bytes=artifact_bytes(predictor.name, artifacts_dir),
        yardstick_per_second=yardstick_per_second(),
    )


def measure_speed(predictor: FeaturePredictor, tracks: TrackBatch) -> float:
    """Tracks per second over one pass of up to 20,000 tracks from all over a table, in chunks of `CHUNK_SIZE`."""
    rows = spread(len(tracks), SPEED_TRACKS)
    chunks = list(tracks.take(rows).chunks(CHUNK_SIZE))
    started = time.perf_counter()
    for chunk in chunks:
        predictor.predict(chunk)
    return len(rows) / (time.perf_counter() - started)


def measure_latency(predictor: FeaturePredictor, tracks: TrackBatch) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds, of calls with one track each, after a warm-up."""
    single = list(tracks.take(spread(len(tracks), WARM_UP_TRACKS + LATENCY_TRACKS)).chunks(1))
    seconds = []
    for track in single[:WARM_UP_TRACKS] + single:
        started = time.perf_counter()
        predictor.predict(track)
        seconds.append(time.perf_counter() - started)
    p50, p95 = np.percentile(seconds[min(WARM_UP_TRACKS, len(single)) :], [50, 95])
    return float(p50) * 1_000, float(p95) * 1_000


def measure_load(name: str, artifacts_dir: Path) -> float:
    """Seconds that a fresh process takes to import and load a predictor; the second of two runs.

    Raises
    ------
    ConfigurationError
        `artifact-corrupt`: the process fails.
    """
    command = [sys.executable, "-c", _LOAD_SCRIPT, name, str(artifacts_dir)]
    # The first run fills the page cache and writes bytecode.
    for _ in range(2):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise ConfigurationError("artifact-corrupt", f"{name} does not load in a process of its own: {reason}")
    return float(result.stdout)


def artifact_bytes(name: str, artifacts_dir: Path) -> int:
    """Bytes of the data files that the card of an artifact names."""
    return sum(entry.size for entry in load_artifact(artifacts_dir, name).card.files.values())


def yardstick_per_second() -> float:
    """How many 256 x 256 products of float64 matrices the machine does a second just now."""
    matrix = np.random.default_rng(0).normal(size=(256, 256))
    started, products = time.perf_counter(), 0
    while time.perf_counter() - started < YARDSTICK_S:
        matrix @ matrix
        products += 1
    return products / (time.perf_counter() - started)


def spread(n: int, at_most: int) -> list[int]:
    """Up to `at_most` rows from all over a table of n."""
    return [int(row) for row in np.linspace(0, n - 1, num=min(n, at_most))]
