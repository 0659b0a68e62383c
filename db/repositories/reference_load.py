"""Load files into the reference table: COPY into a staging table, then set statements, all in the caller's transaction.

A row with a Spotify id is known by it; one without is known by artist, title and duration.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES
from db.repositories.reference import HAS_TRIGRAMS, TRIGRAM_INDEX

# Any constant; of two loads at once, both would else insert a row that neither sees yet.
_LOAD_LOCK = 7_620_483

_TYPES = {
    "spotify_id": "text",
    "isrc": "text",
    "artist": "text",
    "title": "text",
    "artist_key": "text",
    "title_key": "text",
    "duration_ms": "int",
    "release_year": "smallint",
    "popularity": "smallint",
    **dict.fromkeys(FEATURE_NAMES, "real"),
}
#: The order of the columns in what is copied; the number of the row in the file comes first.
STAGED_COLUMNS = ("row_number", *_TYPES)

_COLUMNS = ", ".join(_TYPES)


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """What became of the staged rows."""

    inserted: int
    updated: int
    unchanged: int
    repeated: int  #: Rows that a later row of the same file replaces.


def stage_references(session: Session, chunks: Iterable[bytes]) -> None:
    """COPY chunks of CSV, with the columns `STAGED_COLUMNS` and no header, into the staging table.

    The transaction waits here for any other that loads.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOAD_LOCK})
    # A million rows are sorted and joined; what one worker may need at ordinary times is too little for that.
    session.execute(text("SET LOCAL work_mem = '256MB'"))
    session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    columns = ", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())
    session.execute(text(f"CREATE TEMPORARY TABLE stage_reference (row_number int, {columns}) ON COMMIT DROP"))
    with (
        _driver(session).cursor() as cursor,
        cursor.copy(f"COPY stage_reference ({', '.join(STAGED_COLUMNS)}) FROM STDIN (FORMAT csv)") as copy,
    ):
        for chunk in chunks:
            copy.write(chunk)
    session.execute(text("ANALYZE stage_reference"))


def merge_references(session: Session, dataset: str) -> MergeCounts:
    """Bring the staged rows into the table: known ones are renewed where they differ, the others are added."""
    counts = {name: _count(session, statement, dataset) for name, statement in _STEPS.items()}
    left = session.execute(text("SELECT count(*) FROM stage_reference")).scalar_one()
    updated = counts["updated by id"] + counts["updated by key"]
    inserted = counts["inserted by id"] + counts["inserted by key"]
    return MergeCounts(
        inserted=inserted,
        updated=updated,
        unchanged=left - updated - inserted,
        repeated=counts["repeated"],
    )


def staged_artists_without_forms(session: Session) -> Sequence[str]:
    """The keys of staged artists that `reference_artists` does not know yet."""
    return session.scalars(
        text("""
            SELECT DISTINCT artist_key FROM stage_reference s
            WHERE NOT EXISTS (SELECT FROM reference_artists a WHERE a.artist_key = s.artist_key)
        """)
    ).all()


def add_artist_forms(session: Session, forms: Iterable[tuple[str, str]]) -> None:
    """Add `(artist_key, form)` pairs, none of which is there; with pg_trgm, also the index it searches by."""
    statement = "COPY reference_artists (artist_key, form) FROM STDIN"
    with _driver(session).cursor() as cursor, cursor.copy(statement) as copy:
        for pair in forms:
            copy.write_row(pair)
    if session.scalar(text(f"SELECT {HAS_TRIGRAMS}")):
        session.execute(
            text(f"CREATE INDEX IF NOT EXISTS {TRIGRAM_INDEX} ON reference_artists USING gin (form gin_trgm_ops)")
        )


def record_load(session: Session, file: str, dataset: str, counts: MergeCounts, left_out: dict[str, int]) -> int:
    """Keep what a load did; its number is the new revision of the table."""
    revision: int = session.execute(
        text("""
            INSERT INTO reference_loads (file, dataset, rows_inserted, rows_updated, rows_unchanged, rows_left_out)
            VALUES (:file, :dataset, :inserted, :updated, :unchanged, CAST(:left_out AS jsonb)) RETURNING id
        """),
        {
            "file": file,
            "dataset": dataset,
            "inserted": counts.inserted,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "left_out": json.dumps(left_out),
        },
    ).scalar_one()
    return revision


def refresh_statistics(session: Session) -> None:
    """Tell the planner how large the tables are now; without that it scans them until autovacuum has come by."""
    session.execute(text("ANALYZE spotify_reference"))
    session.execute(text("ANALYZE reference_artists"))


def dataset_totals(session: Session) -> Sequence[RowMapping]:
    """Rows of each data set: how many, how many with a Spotify id, an ISRC and a duration, and the last load."""
    return (
        session.execute(
            text("""
                SELECT dataset, count(*) AS rows, count(spotify_id) AS with_spotify_id, count(isrc) AS with_isrc,
                    count(duration_ms) AS with_duration, max(loaded_at) AS loaded_at
                FROM spotify_reference GROUP BY dataset ORDER BY dataset
            """)
        )
        .mappings()
        .all()
    )


def recent_loads(session: Session, limit: int) -> list[dict[str, Any]]:
    """The last loads, the newest first."""
    rows = session.execute(text("SELECT * FROM reference_loads ORDER BY id DESC LIMIT :limit"), {"limit": limit})
    return [dict(row) for row in rows.mappings()]


def _driver(session: Session) -> "psycopg.Connection[Any]":
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _count(session: Session, statement: str, dataset: str) -> int:
    parameters = {"dataset": dataset} if ":dataset" in statement else {}
    return session.execute(text(statement), parameters).rowcount  # type: ignore[attr-defined,no-any-return]


_BARE = "spotify_id IS NULL"
_SAME_BARE = """
    r.spotify_id IS NULL AND s.spotify_id IS NULL AND r.artist_key = s.artist_key AND r.title_key = s.title_key
    AND r.duration_ms IS NOT DISTINCT FROM s.duration_ms
"""


def _update(same: str) -> str:
    """SQL: renew the rows that are known and differ."""
    return f"""
        UPDATE spotify_reference r
        SET ({_COLUMNS}, dataset, loaded_at) = ROW ({_of("s")}, :dataset, now())
        FROM stage_reference s
        WHERE {same} AND ({_of("r")}, r.dataset) IS DISTINCT FROM ({_of("s")}, :dataset)
    """


def _insert(same: str, which: str) -> str:
    """SQL: add the rows that are not known, in the order of the artists, whose rows are fetched together."""
    return f"""
        INSERT INTO spotify_reference ({_COLUMNS}, dataset) SELECT {_of("s")}, :dataset FROM stage_reference s
        WHERE {which} AND NOT EXISTS (SELECT FROM spotify_reference r WHERE {same}) ORDER BY s.artist_key, s.title_key
    """


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in _TYPES)


# In this order.
_STEPS = {
    "repeated": f"""
        DELETE FROM stage_reference s USING (
            SELECT ctid, row_number() OVER (PARTITION BY spotify_id ORDER BY row_number DESC) AS place
            FROM stage_reference WHERE NOT {_BARE}
            UNION ALL
            SELECT ctid, row_number() OVER (PARTITION BY artist_key, title_key, duration_ms ORDER BY row_number DESC)
            FROM stage_reference WHERE {_BARE}
        ) placed WHERE s.ctid = placed.ctid AND placed.place > 1
    """,
    "updated by id": _update("r.spotify_id = s.spotify_id"),
    "updated by key": _update(_SAME_BARE),
    "inserted by id": _insert("r.spotify_id = s.spotify_id", f"NOT s.{_BARE}"),
    "inserted by key": _insert(_SAME_BARE, f"s.{_BARE}"),
}
