"""A small catalog of texts."""

from collections.abc import Sequence

import numpy as np

from models.recommenders.catalog import Catalog, genre_columns


def text_catalog(rows: Sequence[tuple[str, str, str | None, Sequence[str]]], first_id: int = 1) -> Catalog:
    """Artist, title, album and genres of each track; ids ascend from the first."""
    genres, names = genre_columns([row[3] for row in rows])
    return Catalog(
        item_ids=np.arange(first_id, first_id + len(rows)),
        artists=[row[0] for row in rows],
        titles=[row[1] for row in rows],
        albums=[row[2] for row in rows],
        genres=genres,
        genre_names=names,
        features=np.full((len(rows), 9), np.nan, dtype=np.float32),
        popularity=np.full(len(rows), np.nan, dtype=np.float32),
    )


def made_up_catalog(n: int, seed: int = 0) -> Catalog:
    """Tracks in ten genres; each genre has artists of its own, titles are drawn from the same words."""
    rng = np.random.default_rng(seed)
    words = ["love", "night", "밤편지", "road", "blue", "hey", "夜に駆ける", "remastered 2009"]
    rows = []
    for _ in range(n):
        genre = int(rng.integers(10))
        artist = f"band{genre}x{rng.integers(20)}"
        rows.append((artist, " ".join(rng.choice(words, 2)), None, [f"genre{genre}", "seen live"]))
    return text_catalog(rows)
