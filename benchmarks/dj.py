"""`python -m benchmarks.dj [--tracks N] [--dimensions D]`: the next track out of a large library, beside yardsticks."""

import argparse
import json
import platform
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import Measured, show, timed, warm
from core.audio import (
    PROFILE_RATE_HZ,
    SEGMENT_SECONDS,
    AudioDescription,
    Key,
    MixProfile,
    SegmentDescription,
    Tempo,
    Texture,
)
from core.audio_settings import DjSettings
from core.errors import ConfigurationError
from models.dj.arcs import Arc
from models.dj.columns import COLUMNS, place
from models.dj.goals import Goal
from models.dj.library import DjLibrary, TrackTable
from models.dj.ranking import rank
from models.dj.session import plan
from models.dj.suggestion import History
from models.dj.transition import simulate

Floats = NDArray[np.float32]

#: Sounds that tracks of the made-up library gather around, as genres do.
_SOUNDS = 60


def made_up(n: int, dimensions: int, seed: int = 0) -> TrackTable:
    """Tracks as a library has them: sounds in clusters, tempos around 90, 126 and 174, a fifth of them unsure."""
    rng = np.random.default_rng(seed)
    numbers = rng.random((len(COLUMNS), n), dtype=np.float32)
    numbers[place("duration_s")] = rng.uniform(120, 420, n)
    bpm = rng.choice([90.0, 126.0, 174.0], n, p=[0.3, 0.5, 0.2]) + rng.normal(0, 8, n)
    numbers[place("bpm")] = np.where(rng.random(n) < 0.03, np.nan, bpm)
    numbers[place("tempo_confidence")] = np.where(rng.random(n) < 0.2, 0.3, 0.85)
    numbers[place("key")] = rng.integers(0, 24, n)
    centers = rng.standard_normal((_SOUNDS, dimensions), dtype=np.float32)
    sound = rng.integers(0, _SOUNDS, n)

    def vectors() -> Floats:
        vectors = rng.standard_normal((n, dimensions), dtype=np.float32)
        vectors += centers[sound]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    return TrackTable("made-up", list(range(n)), numbers, vectors(), vectors())


def made_up_description(seed: int) -> AudioDescription:
    """A track at 120 to 130 BPM with noise for envelopes, to simulate crossfades with."""
    rng = np.random.default_rng(seed)
    bpm = float(rng.uniform(120, 130))
    texture = Texture(*rng.random(8).tolist())

    def segment(start_s: float) -> SegmentDescription:
        envelopes = rng.integers(0, 256, (3, round(SEGMENT_SECONDS * PROFILE_RATE_HZ)), dtype=np.uint8)
        profile = MixProfile(*(envelope.tobytes() for envelope in envelopes))
        return SegmentDescription(start_s, SEGMENT_SECONDS, texture, 0.5, 0.5, profile)

    beats_s = np.arange(0, SEGMENT_SECONDS, 60 / bpm)
    return AudioDescription(
        duration_s=240.0,
        tempo=Tempo(bpm, 0.9),
        key=Key(None, 0.0, 0.0),
        loudness_lufs=-9.0,
        texture=texture,
        intro=segment(0.0),
        outro=segment(210.0),
        beats_s=tuple(beats_s.tolist()),
        outro_beats_s=tuple((beats_s + 210).tolist()),
    )


def recommending(library: DjLibrary, runs: int) -> list[Measured]:
    """The next track after many others, with different limits, and what the search alone costs."""
    rng = np.random.default_rng(1)
    queries = [library.ids[row] for row in rng.integers(0, len(library), runs).tolist()]
    history = History(tuple(library.ids[row] for row in rng.integers(0, len(library), 20).tolist()))
    goals = list(Goal)

    def ranking(settings: DjSettings) -> list[Callable[[], object]]:
        return [
            lambda id=id, goal=goals[at % 4]: rank(library, library.current(id), history, goal, settings, 10)
            for at, id in enumerate(queries)
        ]

    def yardstick(id: int | str) -> NDArray[np.intp]:
        return np.argsort(-(library.intro @ library.current(id).outro))[:10]

    defaults = DjSettings()
    results = [
        warm("recommend: limits, search, all terms", ranking(defaults)),
        warm(
            "recommend: nothing excluded",
            ranking(defaults.model_copy(update={"min_tempo_confidence": 1.0, "min_key_clarity": 1.0})),
        ),
        warm("yardstick: all cosines, sorted by NumPy", [lambda id=id: yardstick(id) for id in queries]),
    ]
    try:
        search = library.nearest("faiss")
    except ConfigurationError:  # FAISS is an extra.
        return results
    everything = np.ones(len(library), bool)
    actions = [lambda id=id: search(library.current(id).outro, everything, 200) for id in queries]
    with_faiss = ranking(defaults.model_copy(update={"search": "faiss"}))
    return [
        *results,
        warm("yardstick: flat index of FAISS, 200 nearest", actions),
        warm("recommend, by FAISS", with_faiss),
    ]


def run_all(n: int, dimensions: int, runs: int) -> list[Measured]:
    """Every measurement."""
    table = made_up(n, dimensions)
    libraries: list[DjLibrary] = []

    def build(table: TrackTable) -> None:
        library = DjLibrary(table)
        _ = library.scale
        libraries.append(library)

    results = [timed("build from stored vectors", [lambda: build(table)])]
    library = libraries.pop()
    results.append(timed("build again, stored in order", [lambda: build(library.table())]))
    results += recommending(library, runs)
    settings = DjSettings()
    described = [made_up_description(seed) for seed in range(min(runs, 20) + 1)]
    fades = [lambda pair=pair: simulate(*pair, settings) for pair in pairwise(described)]
    results.append(warm("simulate one crossfade, the best of all bars", fades))
    arcs = [lambda arc=arc: plan(library, None, 60, arc, settings) for arc in Arc]
    results.append(timed("plan a set of 60 minutes", arcs))
    return results


def main() -> None:
    """Measure, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dj", description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("bench-results/dj.json"))
    options = parser.parse_args()
    results = run_all(options.tracks, options.dimensions, options.runs)
    show(results)
    figures = {
        result.name: {"p50_ms": result.percentile_ms(50), "p95_ms": result.percentile_ms(95)} for result in results
    }
    about = {"python": platform.python_version(), "tracks": options.tracks, "dimensions": options.dimensions}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(about | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
