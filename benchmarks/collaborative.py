"""M3 on one user: ranking over a large catalog, and fine-tuning, on a made-up library and community.

Run as `python -m benchmarks.collaborative`. The yardsticks: scoring by EASE alone instead of the whole ranking, and the
same trees grown from nothing instead of on top of the community's ranker. Everything runs in one thread; CPU times are
what a machine without other work would take.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from threadpoolctl import threadpool_limits

from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.collaborative import CollaborativeRecommender
from models.recommenders.collaborative_training import training_rows
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.history import History
from models.recommenders.interaction_matrix import history_rows
from models.recommenders.protocol import best_first
from models.recommenders.ranker import Ranker, TrainingRows

GENRES = 300
ROWS = 500

Times = dict[str, tuple[float, float, float]]


def made_up_catalog(size: int, rng: np.random.Generator) -> Catalog:
    """Tracks with one or two genres; a genre is a run of neighboring positions."""
    first = np.arange(size) * GENRES // size
    second = (first + rng.integers(0, 4, size)) % GENRES
    genres, names = genre_columns([[f"g{one}", f"g{other}"] for one, other in zip(first, second, strict=True)])
    return Catalog(
        item_ids=np.arange(size, dtype=np.int64),
        artists=[f"artist {number}" for number in rng.integers(0, size // 4, size)],
        titles=[""] * size,
        albums=[None] * size,
        genres=genres,
        genre_names=names,
        features=rng.random((size, 9), dtype=np.float32),
        popularity=rng.random(size, dtype=np.float32) * 100,
    )


def made_up_history(size: int, n_items: int, rng: np.random.Generator) -> History:
    """Tracks of eight genres, the first ones of a genre more often than the last; some skipped, liked, disliked."""
    per_genre = n_items // GENRES
    chosen = rng.choice(GENRES, 8, replace=False)
    places = (rng.choice(chosen, 2 * size) + rng.beta(1, 3, 2 * size)) * per_genre
    positions = np.sort(rng.permutation(np.unique(places.astype(np.intp)))[:size])
    size = len(positions)
    return History(
        positions=positions,
        owned=np.ones(size, dtype=np.bool_),
        plays=rng.poisson(3, size).astype(np.float32),
        skips=rng.poisson(1, size).astype(np.float32),
        likes=rng.choice([-1, 0, 1], size, p=[0.05, 0.8, 0.15]).astype(np.int8),
        age_days=(rng.random(size) * 300).astype(np.float32),
    )


def milliseconds(repeat: int, call: Callable[[], object]) -> tuple[float, float, float]:
    """Wall time p50 and p95, and median CPU time, after one call that does not count."""
    call()
    wall, cpu = [], []
    for _ in range(repeat):
        started, busy = time.perf_counter(), time.process_time()
        call()
        cpu.append((time.process_time() - busy) * 1e3)
        wall.append((time.perf_counter() - started) * 1e3)
    return float(np.percentile(wall, 50)), float(np.percentile(wall, 95)), statistics.median(cpu)


def community_of(catalog: Catalog, users: int, rng: np.random.Generator) -> CommunityModel:
    """Trained on made-up users of 20 to 500 tracks; one fold, for only the speed of the ranker counts."""
    sizes = np.clip(rng.lognormal(4.5, 0.8, users), 20, 500).astype(int)
    histories = [made_up_history(size, len(catalog), rng) for size in sizes]
    with Progress(transient=True) as progress:
        step = progress.add_task("Training the community's model")
        trained = train_community(
            catalog,
            histories,
            CommunityOptions(folds=1),
            lambda done, total: progress.update(step, completed=done, total=total),
        )
    return CommunityModel.from_files(trained.files, catalog)


def measure(catalog: Catalog, community: CommunityModel, history: History, repeat: int) -> Times:
    """All figures, in milliseconds."""
    recommender = CollaborativeRecommender.from_files(None, catalog, community, ())
    excluded = np.zeros(len(catalog), dtype=np.bool_)
    excluded[history.positions] = True
    row = history_rows([history], len(catalog))
    rows = training_rows(catalog, history, community, ())
    chosen = np.random.default_rng(0).permutation(len(rows.wanted))[:ROWS]
    some = TrainingRows(rows.columns[chosen], rows.wanted[chosen], rows.weights[chosen])
    size = f"{len(catalog):,} tracks"
    return {
        f"rank 300 of {size}, M3": milliseconds(repeat, lambda: recommender.rank(history, excluded, 300)),
        f"rank 300 of {size}, EASE alone": milliseconds(
            repeat, lambda: best_first(community.generators.ease.scores(row), excluded, 300)
        ),
        f"fine-tune at {len(chosen)} rows": milliseconds(repeat, lambda: Ranker.fine_tune(community.ranker, some)),
        f"from nothing at {len(chosen)} rows": milliseconds(repeat, lambda: Ranker.fine_tune(None, some)),
        f"examples of a user with {len(history)} tracks": milliseconds(
            repeat, lambda: training_rows(catalog, history, community, ())
        ),
    }


def main() -> None:
    """Measure, print, keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collaborative", description=__doc__)
    parser.add_argument("--tracks", type=int, default=65_000)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("bench-results/collaborative.json"))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    catalog = made_up_catalog(options.tracks, rng)
    with threadpool_limits(1):
        community = community_of(catalog, options.users, rng)
        times = measure(catalog, community, made_up_history(500, len(catalog), rng), options.repeat)
    table = Table("", "p50 ms", "p95 ms", "CPU ms")
    for name, figures in times.items():
        table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    Console().print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(times, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
