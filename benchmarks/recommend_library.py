"""A library in a database with users who have taste, for the measurement of recommendations."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES, FEATURES
from core.identity import normalized_key

_COLUMNS = ("artist", "title", "album", "genres", "popularity", *FEATURE_NAMES)
#: Tracks that each user of the community plays.
_FEWEST_PLAYED, _MOST_PLAYED = 100, 300
#: Tracks of one taste lie within so many neighbors, in an order in which tracks of a genre and an artist are neighbors.
_TASTE_WIDTH = 600
_TASTES = 3


def fill(session: Session, n_tracks: int, data: Path | None) -> None:
    """Tracks of the reference table, or made-up ones where there is none or it is too small."""
    rows = list(_reference(data, n_tracks)) if data is not None and data.is_file() else []
    rows += _made_up(n_tracks - len(rows))
    keyed = ((normalized_key(row["artist"], row["title"]), *(row[name] for name in _COLUMNS)) for row in rows)
    _copy(session, "tracks", ("identity_key", *_COLUMNS), keyed)
    session.execute(text("ANALYZE tracks"))


def add_community(session: Session, user_ids: range) -> None:
    """Users with a few tastes each, who play 100 to 300 tracks; popular ones more often."""
    tracks = session.execute(text("SELECT id, coalesce(popularity, 0) FROM tracks ORDER BY genres, artist, id")).all()
    ids, popularity = (np.array(column) for column in zip(*tracks, strict=True))
    chance = np.random.default_rng(0)
    _copy(session, "users", ("id",), ((user_id,) for user_id in user_ids))
    plays = (row for user_id in user_ids for row in _plays(user_id, ids, popularity, chance))
    _copy(session, "interactions", ("user_id", "track_id", "plays", "last_played_at"), plays)
    session.execute(text("ANALYZE interactions"))


def add_user(session: Session, user_id: int, n_tracks: int, n_played: int) -> None:
    """A user who owns tracks of a few artists and sounds, plays some of them, and skips a few."""
    chance = random.Random(user_id)
    session.execute(text("INSERT INTO users (id) VALUES (:id)"), {"id": user_id})
    artists = session.scalars(
        text("SELECT artist FROM tracks GROUP BY artist ORDER BY hashtextextended(artist, :user) LIMIT :n"),
        {"user": user_id, "n": max(n_tracks // 6, 5)},
    ).all()
    energy = chance.random()
    track_ids = session.scalars(
        text("""
            SELECT id FROM tracks
            ORDER BY (artist = ANY(:artists)) DESC, abs(coalesce(energy, 0.5) - :energy), id LIMIT :n
        """),
        {"artists": list(artists), "energy": energy, "n": n_tracks},
    ).all()
    _own(session, user_id, track_ids)
    _play(session, user_id, chance.sample(track_ids, min(n_played, len(track_ids))))
    session.commit()


def add_track(session: Session) -> None:
    """One track more, as an import leaves it."""
    session.execute(
        text("INSERT INTO tracks (identity_key, artist, title) VALUES (:key, 'Newcomer', 'Arrived Today')"),
        {"key": normalized_key("Newcomer", "Arrived Today")},
    )


def _plays(
    user_id: int, ids: NDArray[np.int64], popularity: NDArray[np.int64], chance: np.random.Generator
) -> Iterator[tuple[int, int, int, str]]:
    width = min(_TASTE_WIDTH, len(ids))
    starts = chance.integers(0, len(ids) - width + 1, _TASTES)
    near = np.unique((starts[:, None] + np.arange(width)).ravel())
    weights = (popularity[near] + 5.0) ** 2
    count = min(int(chance.integers(_FEWEST_PLAYED, _MOST_PLAYED + 1)), len(near))
    for track_id in chance.choice(ids[near], count, replace=False, p=weights / weights.sum()).tolist():
        yield user_id, track_id, 1 + (user_id + track_id) % 9, f"2026-0{1 + track_id % 9}-1{user_id % 9}"


def _copy(session: Session, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _own(session: Session, user_id: int, track_ids: Sequence[int]) -> None:
    session.execute(
        text("""
            WITH list AS (INSERT INTO playlists (user_id, name) VALUES (:user, 'all') RETURNING id)
            INSERT INTO playlist_tracks (playlist_id, track_id, position)
            SELECT list.id, t.id, t.place FROM list, unnest(CAST(:tracks AS bigint[])) WITH ORDINALITY AS t (id, place)
        """),
        {"user": user_id, "tracks": list(track_ids)},
    )


def _play(session: Session, user_id: int, track_ids: Sequence[int]) -> None:
    session.execute(
        text("""
            INSERT INTO interactions (user_id, track_id, plays, skips, liked, last_played_at)
            SELECT :user, id, 1 + id % 9, id % 3, (id % 5 = 0)::int, now() - (id % 200) * interval '1 day'
            FROM unnest(CAST(:tracks AS bigint[])) AS t (id)
        """),
        {"user": user_id, "tracks": list(track_ids)},
    )


def _reference(path: Path, n: int) -> Iterator[dict[str, Any]]:
    for row in pq.read_table(path, columns=list(_COLUMNS)).slice(0, n).to_pylist():
        yield row | {"genres": row["genres"] or []}


def _made_up(n: int) -> list[dict[str, Any]]:
    chance = random.Random(0)
    return [
        {"artist": f"Artist {number // 8}", "title": f"Song {number}", "album": f"Album {number // 10}"}
        | {"genres": [f"genre {number // 8 % 200}"], "popularity": chance.randrange(101)}
        | {feature.name: chance.uniform(feature.low, feature.high) for feature in FEATURES}
        for number in range(n)
    ]
