"""Made-up listeners in the columns of the Last.fm folder: four scenes, and users who mostly stay in one of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.features import FEATURES

N_ARTISTS = 160
N_USERS = 64
_SCENES = 4
_FIRST_ID = 1000


def write_listening(folder: Path, seed: int = 0) -> Path:
    """Write the three tables to the folder, and `tracks.parquet` beside it.

    Artist i belongs to scene i mod 4. Users 1 and up have 14 to 24 artists, all but a few of their own scene; the last
    four users have only five. Of artists 0 to 4 and most others some tracks are known; of artist 5 none is.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = [row for user in range(1, N_USERS + 1) for row in _plays(user, rng)]
    pq.write_table(_table(("user_id", "artist_id", "plays"), rows), folder / "plays.parquet")
    artists = [(_FIRST_ID + place, f"Artist {place}") for place in range(N_ARTISTS)]
    # Not in the order of ids, as nothing promises one.
    pq.write_table(_table(("artist_id", "artist"), artists[::-1]), folder / "artists.parquet")
    tags = [(_FIRST_ID + place, f"scene {place % _SCENES}", 3) for place in range(N_ARTISTS) if place % 5 != 1]
    pq.write_table(
        _table(("artist_id", "tag", "n"), [*tags, (_FIRST_ID, "seen once", 1)]), folder / "artist_tags.parquet"
    )
    _write_tracks(folder.parent / "tracks.parquet", rng)
    return folder


def _plays(user: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    size = 5 if user > N_USERS - 4 else int(rng.integers(14, 25))
    own = np.arange(N_ARTISTS) % _SCENES == user % _SCENES
    chance = np.where(own, 20.0, 1.0) / np.sqrt(1 + np.arange(N_ARTISTS))
    chosen = rng.choice(N_ARTISTS, size, replace=False, p=chance / chance.sum())
    return [(user, _FIRST_ID + int(place), int(rng.integers(1, 500))) for place in chosen]


def _write_tracks(path: Path, rng: np.random.Generator) -> None:
    artists = ["ARTIST 0", "artist 0"]
    artists += [f"Artist {place}" for place in range(1, N_ARTISTS) if place != 5 for _ in range(2)]
    columns: dict[str, list] = {"artist": artists}
    scene = np.array([int(name.split()[1]) % _SCENES for name in artists])
    for feature in FEATURES:
        share = np.clip(0.2 + 0.2 * scene + rng.normal(0, 0.05, len(artists)), 0, 1)
        columns[feature.name] = (feature.low + share * (feature.high - feature.low)).tolist()
    columns["energy"][:2] = [0.2, 0.4]
    pq.write_table(pa.table(columns), path)


def _table(names: tuple[str, ...], rows: list[tuple]) -> pa.Table:
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
