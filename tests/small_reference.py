"""A small reference table: features follow from the artist, so that a ridge learns something in a moment."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from core.features import FEATURES

N_TRAIN, N_HOLDOUT, N_ARTISTS = 160, 40, 10
ARTISTS = [f"Band{index}" for index in range(N_ARTISTS)]


def write_table(path: Path, *, seed: int = 0, misleading: bool = False, holdouts: bool = True) -> Path:
    """Write a table whose holdouts are the same for every seed.

    Parameters
    ----------
    seed
        Of the noise in the rows to learn from; another one makes another version of much the same quality.
    misleading
        Whether the rows to learn from say the opposite of the holdouts.
    holdouts
        Whether there are any.
    """
    n = N_TRAIN + N_HOLDOUT
    artist = np.arange(n) % N_ARTISTS
    level = artist / (N_ARTISTS - 1)
    level[:N_TRAIN] = 1 - level[:N_TRAIN] if misleading else level[:N_TRAIN]
    noise = np.zeros(n)
    noise[:N_TRAIN] = np.random.default_rng(seed).normal(0, 0.02, N_TRAIN)
    share = np.clip(level + noise, 0, 1)
    folds = ["random-holdout"] * (N_HOLDOUT // 2) + ["artist-holdout"] * (N_HOLDOUT // 2)
    columns = {
        "title": [f"Song {row}" for row in range(n)],
        "artist": [ARTISTS[index] for index in artist],
        "fold": ["train"] * N_TRAIN + (folds if holdouts else ["train"] * N_HOLDOUT),
    }
    features = {feature.name: feature.low + (feature.high - feature.low) * share for feature in FEATURES}
    pyarrow.parquet.write_table(pa.table(columns | features), path)
    return path
