"""`python -m benchmarks.personal_training [--tracks N] [--users N]`: training the models of single users."""

import argparse
import json
import multiprocessing
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import Measured, show, warm
from core.features import FEATURES
from models.recommenders.audio_profile import AudioProfileRecommender, train_audio_profile
from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.collaborative import train_collaborative
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.content_space import ContentSpace, build_content_space
from models.recommenders.content_svm import Sample, fit_svm
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles, Recommender
from models.recommenders.ranker import USER_DEPTH, USER_LEARNING_RATE, USER_TREES, Ranker, TrainingRows
from models.recommenders.stack_features import COLUMNS

SIZES = (50, 500, 5_000)
WORKERS = 2
_GENRES = 120
_TRACKS_PER_ARTIST = 12
_HISTORY_OF_OTHERS = 120
_WORDS = ("night", "love", "river", "city", "gold", "dance", "blue", "fire", "ghost", "summer", "road", "glass")


@dataclass(frozen=True, slots=True)
class World:
    """What a training process has at hand, as after its first task."""

    catalog: Catalog
    space: ContentSpace
    community: CommunityModel


def made_up_catalog(n: int) -> Catalog:
    """Tracks as a library has them: artists of one or two genres, sounds that follow genres, titles of few words."""
    rng = np.random.default_rng(0)
    artist = np.sort(rng.integers(0, n // _TRACKS_PER_ARTIST, n))
    main = rng.integers(0, _GENRES, n // _TRACKS_PER_ARTIST)[artist]
    genres, names = genre_columns([[f"genre {of}", f"family {of // 6}"] for of in main.tolist()])
    center = rng.uniform(0.2, 0.8, (_GENRES, len(FEATURES)))
    low, high = (np.array([getattr(feature, side) for feature in FEATURES]) for side in ("low", "high"))
    sound = np.clip(center[main] + rng.normal(0, 0.12, (n, len(FEATURES))), 0, 1)
    return Catalog(
        np.arange(n, dtype=np.int64),
        artists=[f"Artist {of}" for of in artist.tolist()],
        titles=[" ".join(rng.choice(_WORDS, 3)) for _ in range(n)],
        albums=[f"Album {of} {row % 3}" for row, of in enumerate(artist.tolist())],
        genres=genres,
        genre_names=names,
        features=(low + sound * (high - low)).astype(np.float32),
        popularity=rng.uniform(0, 100, n).astype(np.float32),
    )


def made_up_history(catalog: Catalog, size: int, seed: int) -> History:
    """A user of six genres, with plays, skips and likes; half of the items are in a playlist."""
    rng = np.random.default_rng((size, seed))
    liked = [f"genre {of}" for of in rng.choice(_GENRES, 6, replace=False)]
    columns = [place for place, name in enumerate(catalog.genre_names) if name in liked]
    fits = np.asarray(catalog.genres[:, columns].sum(axis=1)).ravel() > 0
    chance = np.where(fits, 30.0, 1.0) * (1 + catalog.popularity)
    positions = np.sort(rng.choice(len(catalog), size, replace=False, p=chance / chance.sum()))
    return History(
        positions.astype(np.intp),
        owned=rng.random(size) < 0.5,
        plays=rng.poisson(3, size).astype(np.float32),
        skips=rng.poisson(0.5, size).astype(np.float32),
        likes=rng.choice(np.array([-1, 0, 1], dtype=np.int8), size, p=[0.05, 0.8, 0.15]),
        age_days=rng.exponential(90, size).astype(np.float32),
    )


def make_world(n: int, community: ModelFiles) -> World:
    """The same in every process."""
    catalog = made_up_catalog(n)
    return World(catalog, build_content_space(catalog), CommunityModel.from_files(community, catalog))


def trained_companions(world: World, history: History) -> list[Recommender]:
    """M1 and M2 of a user."""
    audio = train_audio_profile(world.catalog, history)
    content = train_content(world.space, history)
    return [
        AudioProfileRecommender.from_files(audio.files, world.catalog),
        ContentRecommender.from_files(content.files, world.space),
    ]


def per_user(world: World, runs: int) -> list[Measured]:
    """Training of each kind on histories of three sizes."""
    results = []
    for size in SIZES:
        histories = [made_up_history(world.catalog, size, seed) for seed in range(runs)]
        companions = [trained_companions(world, history) for history in histories]
        trainings: dict[str, list[Callable[[], object]]] = {
            "M1": [partial(train_audio_profile, world.catalog, history) for history in histories],
            "M2": [partial(train_content, world.space, history) for history in histories],
            "M3": [
                partial(train_collaborative, world.catalog, history, world.community, own)
                for history, own in zip(histories, companions, strict=True)
            ],
        }
        results += [warm(f"{kind}: train on {size:,} interactions", actions) for kind, actions in trainings.items()]
    return results


def fine_tuning(world: World, runs: int) -> list[Measured]:
    """50 trees on 500 examples, beside CatBoost by itself."""
    from catboost import CatBoost, Pool

    rng = np.random.default_rng(0)
    columns = rng.standard_normal((500, len(COLUMNS)), dtype=np.float32)
    wanted = columns[:, 0] + rng.standard_normal(500) > 0
    rows = TrainingRows(columns, wanted, np.ones(500, dtype=np.float32))
    parameters = {"loss_function": "Logloss", "iterations": USER_TREES, "depth": USER_DEPTH, "thread_count": 1}
    parameters |= {"learning_rate": USER_LEARNING_RATE, "allow_writing_files": False, "verbose": False}

    def alone() -> None:
        CatBoost(parameters).fit(Pool(columns, wanted.astype(np.int8)))

    return [
        warm(
            "M3: fine-tune with 50 trees on 500 examples",
            [lambda: Ranker.fine_tune(world.community.ranker, rows)] * runs,
        ),
        warm("yardstick: CatBoost alone, 50 trees on 500 examples", [alone] * runs),
    ]


def linear_svm(world: World, runs: int) -> list[Measured]:
    """5,000 rows of cached vectors, beside scikit-learn by itself on all columns."""
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(1)
    own = made_up_history(world.catalog, 2_000, 0).positions
    others = rng.choice(np.setdiff1d(np.arange(len(world.catalog)), own), 3_000, replace=False)
    wanted = np.arange(5_000) < len(own)
    sample = Sample(np.concatenate([own, others]), wanted, np.ones(5_000))
    rows = world.space.rows[sample.positions].astype(np.float64)

    def alone() -> None:
        LinearSVC(C=0.1 / (float(rows.data @ rows.data) / rows.shape[0]), random_state=0).fit(rows, wanted)

    return [
        warm("M2: linear SVM on 5,000 cached vectors", [lambda: fit_svm(world.space, sample, 0)] * runs),
        warm("yardstick: LinearSVC alone on 5,000 vectors", [alone] * runs),
    ]


_world: World | None = None


def _prepare(n: int, community: ModelFiles) -> None:
    global _world
    _world = make_world(n, community)


def _train_user(seed: int) -> int:
    """All three models of a user with 500 interactions; how many were trained."""
    assert _world is not None
    history = made_up_history(_world.catalog, SIZES[1], seed)
    train_collaborative(_world.catalog, history, _world.community, trained_companions(_world, history))
    return 3


def models_per_minute(n: int, community: ModelFiles, users: int) -> float:
    """With two worker processes, once they are warm."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn, initializer=_prepare, initargs=(n, community)) as pool:
        list(pool.map(_train_user, range(2 * WORKERS)))
        started = time.perf_counter()
        trained = sum(pool.map(_train_user, range(100, 100 + users)))
        return trained / (time.perf_counter() - started) * 60


def train_common(catalog: Catalog, n_users: int) -> tuple[ModelFiles, Measured]:
    """The model that all users share."""
    others = [made_up_history(catalog, _HISTORY_OF_OTHERS, 10_000 + seed) for seed in range(n_users)]
    started = time.perf_counter()
    trained = train_community(catalog, others, CommunityOptions(), lambda done, total: None)
    seconds = time.perf_counter() - started
    return trained.files, Measured(f"M3: train what {n_users:,} users have in common", [seconds])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.personal_training", description=__doc__)
    parser.add_argument("--tracks", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=300, help="whose histories M3 learns from")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("bench-results/personal-training.json"))
    options = parser.parse_args(arguments)
    community, common = train_common(made_up_catalog(options.tracks), options.users)
    world = make_world(options.tracks, community)
    results = [
        *per_user(world, options.runs),
        *fine_tuning(world, options.runs),
        *linear_svm(world, options.runs),
        common,
    ]
    rate = models_per_minute(options.tracks, community, 3 * options.runs)
    show(results)
    print(f"{rate:,.0f} models a minute in {WORKERS} processes: M1, M2 and M3 of users with {SIZES[1]} interactions")
    figures = {each.name: {"p50_ms": each.percentile_ms(50), "p95_ms": each.percentile_ms(95)} for each in results}
    about = {"python": platform.python_version(), "tracks": options.tracks, "models_per_minute": rate}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(about | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
