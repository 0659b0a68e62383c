"""A small synthetic reference table whose features follow from artist, genre and duration, and M1 trained on it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from core.features import FEATURES
from models.predictors.protocol import TrainedPredictor
from models.predictors.ridge_training import train
from models.training_data import ReferenceTable, read_reference_table

ARTISTS = (
    "Blue River",
    "Iron Choir",
    "새소년",
    "Río Azul",
    "DJ Night Owl",
    "볼빨간사춘기",
    "Old Piano Trio",
    "Motor City",
)
ALBUMS = ("Morning Songs", "Live at the Mill", None, "여름깃", "Night Drive")
GENRES = ("folk", "metal", "k-indie", "house")
N_ROWS = 600


@pytest.fixture(scope="session")
def reference_columns() -> dict[str, list[object]]:
    """Columns of the table; the first 500 rows are for training."""
    rng = np.random.default_rng(7)
    artist = rng.integers(len(ARTISTS), size=N_ROWS)
    duration_ms = rng.integers(90_000, 400_000, size=N_ROWS)
    level = (artist / len(ARTISTS) + duration_ms / 400_000) / 2
    columns: dict[str, list[object]] = {
        "track_id": [f"track{row}" for row in range(N_ROWS)],
        "title": [f"Song {row}" for row in range(N_ROWS)],
        "artist": [ARTISTS[index] for index in artist],
        "artists": [[ARTISTS[index], "Guest"] if index == 0 else [ARTISTS[index]] for index in artist],
        "album": [ALBUMS[row % len(ALBUMS)] for row in range(N_ROWS)],
        "genres": [[GENRES[index % 4]] if row % 3 else [] for row, index in enumerate(artist)],
        "duration_ms": duration_ms.tolist(),
        "release_year": [2000 + row % 20 for row in range(N_ROWS)],
        "explicit": [row % 5 == 0 for row in range(N_ROWS)],
        "popularity": [row % 101 if row % 4 else None for row in range(N_ROWS)],
        "source": ["synthetic"] * N_ROWS,
        "fold": ["train"] * 500 + ["random-holdout"] * 50 + ["artist-holdout"] * 50,
    }
    for feature in FEATURES:
        noisy = np.clip(level + rng.normal(0, 0.1, size=N_ROWS), 0, 1)
        columns[feature.name] = (feature.low + (feature.high - feature.low) * noisy).tolist()
    return columns


@pytest.fixture(scope="session")
def reference_path(reference_columns: dict[str, list[object]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table as a Parquet file."""
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    pyarrow.parquet.write_table(pa.table(reference_columns), path)
    return path


@pytest.fixture(scope="session")
def reference_table(reference_path: Path) -> ReferenceTable:
    return read_reference_table(reference_path)


@pytest.fixture(scope="session")
def trained_m1(reference_table: ReferenceTable) -> TrainedPredictor:
    return train(reference_table, lambda done, total: None)
