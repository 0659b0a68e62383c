"""A small world of listeners with known tastes: items belong to scenes, and every listener likes two of them."""

import numpy as np

from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.history import History

SCENES = 6
PER_SCENE = 40
N_ITEMS = SCENES * PER_SCENE


def scene_of(positions: np.ndarray) -> np.ndarray:
    """Positions are laid out scene by scene."""
    return np.asarray(positions) // PER_SCENE


def made_catalog() -> Catalog:
    """Ids 100, 103, ...; a genre for each scene and one that all share, three items an artist, sound by scene."""
    rng = np.random.default_rng(3)
    genres, names = genre_columns([[f"scene-{item // PER_SCENE}", "music"] for item in range(N_ITEMS)])
    features = rng.normal(size=(N_ITEMS, 9)) * 0.3 + scene_of(np.arange(N_ITEMS))[:, None]
    return Catalog(
        item_ids=100 + 3 * np.arange(N_ITEMS, dtype=np.int64),
        artists=[f"artist {item // 3}" for item in range(N_ITEMS)],
        titles=[f"song {item}" for item in range(N_ITEMS)],
        albums=[None] * N_ITEMS,
        genres=genres,
        genre_names=names,
        features=features.astype(np.float32),
        popularity=np.linspace(0, 100, N_ITEMS, dtype=np.float32),
    )


def made_history(seed: int, size: int = 24) -> History:
    """A listener of two scenes: `size` items, all owned."""
    rng = np.random.default_rng(seed)
    scenes = rng.choice(SCENES, 2, replace=False)
    places = np.concatenate([scene * PER_SCENE + rng.choice(PER_SCENE, size // 2, replace=False) for scene in scenes])
    return owned_history(np.sort(places), rng.poisson(4, len(places)))


def owned_history(positions: np.ndarray, plays: np.ndarray | None = None) -> History:
    """Items owned today, neither skipped nor liked."""
    size = len(positions)
    return History(
        positions=np.asarray(positions, dtype=np.intp),
        owned=np.ones(size, dtype=np.bool_),
        plays=np.zeros(size, dtype=np.float32) if plays is None else plays.astype(np.float32),
        skips=np.zeros(size, dtype=np.float32),
        likes=np.zeros(size, dtype=np.int8),
        age_days=np.zeros(size, dtype=np.float32),
    )


def closed_to(history: History) -> np.ndarray:
    """Excludes what the listener has, [n]."""
    closed = np.zeros(N_ITEMS, dtype=np.bool_)
    closed[history.positions] = True
    return closed
