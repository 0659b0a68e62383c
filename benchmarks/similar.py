"""`python -m benchmarks.similar [--tracks N]`: similar tracks of a large library, exactly, and the training of M2."""

import argparse
import json
import platform
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from core.features import FEATURE_NAMES
from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.content_space import ContentSpace, build_content_space
from models.recommenders.content_svm import Sample, draw_sample, fit_svm
from models.recommenders.history import History, plays_only
from models.recommenders.protocol import Scored, best_first

_LIMIT = 20
_HISTORIES = (50, 500, 5_000)
#: Tracks over which a model ranks.
_RANKED = 65_000
#: Genres that a made-up listener likes, out of so many of the most common ones.
_LIKED_GENRES, _COMMON_GENRES = 8, 60

Row = tuple[str, int, float, float]


def read_tracks(path: Path, n: int) -> Catalog:
    """A catalog of n real tracks; those that the table lacks are made of one's artist and genres, another's title."""
    table = pyarrow.parquet.read_table(path, columns=["artists", "title", "album", "genres", "popularity"])
    columns = {name: table[name].to_pylist() for name in table.column_names}
    rng = np.random.default_rng(0)
    source = np.concatenate([rng.permutation(len(table)), rng.integers(0, len(table), max(n - len(table), 0))])[:n]
    titles = source.copy()
    titles[len(table) :] = rng.permutation(titles[len(table) :])
    genres, names = genre_columns([columns["genres"][row] for row in source])
    return Catalog(
        item_ids=np.arange(1, n + 1),
        artists=[";".join(columns["artists"][row]) for row in source],
        titles=[columns["title"][row] for row in titles],
        albums=[columns["album"][row] for row in titles],
        genres=genres,
        genre_names=names,
        features=np.full((n, len(FEATURE_NAMES)), np.nan, dtype=np.float32),
        popularity=np.full(n, np.nan, dtype=np.float32),
    )


def head(catalog: Catalog, n: int) -> Catalog:
    """The first n tracks."""
    texts = {name: getattr(catalog, name)[:n] for name in ("item_ids", "artists", "titles", "albums")}
    return replace(catalog, genres=catalog.genres[:n], **texts)


def made_up_history(catalog: Catalog, n: int, seed: int) -> History:
    """A listener of a few genres who plays n tracks, most of them of these genres."""
    rng = np.random.default_rng(seed)
    liked = rng.choice(np.argsort(-catalog.genres.sum(axis=0))[:_COMMON_GENRES], _LIKED_GENRES, replace=False)
    fits = catalog.genres[:, liked].sum(axis=1) > 0
    odds = np.where(fits, 20.0, 1.0)
    positions = np.sort(rng.choice(len(catalog), n, replace=False, p=odds / odds.sum()))
    return plays_only(positions, rng.integers(1, 100, n).astype(np.float32))


def brute_force(space: ContentSpace, position: int, limit: int) -> Scored:
    """The yardstick: the cosine with every track by one sparse product in double precision, then the best of them."""
    query = space.rows[[position]].toarray()[0].astype(np.float64)
    norms = space.norms.astype(np.float64) * np.float64(space.norms[position])
    cosines = np.asarray((space.rows @ query) / np.where(norms > 0, norms, 1), dtype=np.float32)
    excluded = cosines <= 0
    excluded[position] = True
    return best_first(cosines, excluded, limit)


def explained(space: ContentSpace, position: int) -> list[list[str]]:
    """What the endpoint answers: the similar tracks, and the terms that each shares with the one."""
    found = space.similar(position, _LIMIT)
    return [space.shared_terms(position, other, 5) for other in found.positions.tolist()]


def timed(name: str, actions: Sequence[Callable[[], object]]) -> Row:
    """Each action once after the first was run for nothing: name, runs, p50 and p95 in ms."""
    actions[0]()
    seconds = []
    for action in actions:
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    p50, p95 = (np.percentile(seconds, [50, 95]) * 1000).tolist()
    return name, len(actions), p50, p95


def searching(space: ContentSpace, runs: int) -> tuple[list[Row], int]:
    """Both searches over the same queries; and for how many of these they differ in any place or score."""
    queries = np.random.default_rng(1).choice(len(space), runs, replace=False).tolist()
    widest = np.argsort(-(space.rows != 0).astype(np.float32) @ space.items_of_term.astype(np.float32))[:runs].tolist()
    rows = [
        timed("similar: 20 of all tracks", [partial(space.similar, at, _LIMIT) for at in queries]),
        timed("the same, with what they share", [partial(explained, space, at) for at in queries]),
        timed("similar: tracks of the commonest words", [partial(space.similar, at, _LIMIT) for at in widest]),
        timed("yardstick: all cosines", [partial(brute_force, space, at, _LIMIT) for at in queries]),
    ]
    differ = sum(not _equal(space.similar(at, _LIMIT), brute_force(space, at, _LIMIT)) for at in {*queries, *widest})
    return rows, differ


def _equal(first: Scored, second: Scored) -> bool:
    return np.array_equal(first.positions, second.positions) and np.array_equal(first.scores, second.scores)


def training(catalog: Catalog, space: ContentSpace, runs: int) -> list[Row]:
    """The support vector machine alone, the whole training, and ranking with what came of it."""
    results = []
    for n in _HISTORIES:
        histories = [made_up_history(catalog, n, seed) for seed in range(runs)]
        samples = [draw_sample(len(space), history, 0) for history in histories]
        results.append(
            timed(
                f"fit, {len(samples[0].positions):,} rows", [partial(fit_svm, space, sample, 0) for sample in samples]
            )
        )
        results.append(
            timed(f"train M2, {n:,} wanted tracks", [partial(train_content, space, each) for each in histories])
        )
        models = [ContentRecommender.from_files(train_content(space, each).files, space) for each in histories]
        nothing = np.zeros(len(space), dtype=np.bool_)
        ranking = [partial(model.rank, history, nothing, 300) for model, history in zip(models, histories, strict=True)]
        results.append(timed(f"rank {len(space):,} tracks, {n:,} wanted", ranking))
    five_thousand = [
        every_second(draw_sample(len(space), made_up_history(catalog, 5_000, seed), 0)) for seed in range(runs)
    ]
    results.append(timed("fit, 5,000 rows", [partial(fit_svm, space, sample, 0) for sample in five_thousand]))
    return results


def every_second(sample: Sample) -> Sample:
    """Every second row."""
    return Sample(sample.positions[::2], sample.wanted[::2], sample.weights[::2])


def building(catalog: Catalog) -> dict[str, float]:
    """Seconds to build the space, and the memory it takes: at the most while it is built, and afterwards."""
    started = time.perf_counter()
    build_content_space(catalog)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    space = build_content_space(catalog)
    kept, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    return {"seconds": seconds, "peak_mb": peak, "kept_mb": kept, "terms": len(space.terms)}


def show(built: dict[str, float], rows: Sequence[Row], n: int, differ: int) -> None:
    """For people."""
    console = Console(width=120)
    console.print(
        f"Space of {n:,} tracks: {built['seconds']:.1f} s, {built['terms']:,.0f} terms, {built['kept_mb']:.0f} MB "
        f"({built['peak_mb']:.0f} MB while it is built)"
    )
    table = Table("measurement", box=SIMPLE_HEAD)
    for header in ("runs", "p50 ms", "p95 ms"):
        table.add_column(header, justify="right")
    for name, runs, p50, p95 in rows:
        table.add_row(name, f"{runs:,}", f"{p50:,.1f}", f"{p95:,.1f}")
    console.print(table)
    console.print(f"Queries whose answer is not that of the yardstick, place for place and score for score: {differ}")


def main() -> None:
    """Measure, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.similar", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tracks.parquet"), help="A table of tracks.")
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("bench-results/similar.json"))
    options = parser.parse_args()
    catalog = read_tracks(options.data, options.tracks)
    built = building(catalog)
    rows, differ = searching(build_content_space(catalog), options.runs)
    ranked = head(catalog, _RANKED)
    rows += training(ranked, build_content_space(ranked), options.listeners)
    show(built, rows, len(catalog), differ)
    figures: dict[str, Any] = {name: {"p50_ms": p50, "p95_ms": p95} for name, _, p50, p95 in rows}
    about = {"python": platform.python_version(), "tracks": len(catalog), "space": built, "differing": differ}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(about | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
