"""Import the rows of a playlist: one COPY into a staging table, then set statements, all in the caller's transaction.

Matching goes by Spotify id, then ISRC, then the normalized artist|title key. A key never joins two rows whose Spotify
ids, or ISRCs, are known and differ: those are different recordings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.repositories.users import add_users

# Any constant; two imports at once would else both insert a track that neither sees yet.
_IMPORT_LOCK = 7_620_482

_TYPES = {
    "spotify_id": "text",
    "isrc": "text",
    "identity_key": "text NOT NULL",
    "artist": "text",
    "title": "text",
    "album": "text",
    "genres": "text[]",
    "duration_ms": "int",
    "release_year": "smallint",
    "explicit": "boolean",
    "popularity": "smallint",
    "moods": "text[]",
    "track_number": "smallint",
    "album_total_tracks": "smallint",
    "audio_uri": "text",
}
_COLUMNS = ", ".join(_TYPES)
# An import never renames a track that is known.
_FILLABLE = [name for name in _TYPES if name not in {"identity_key", "artist", "title"}]


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """Where a row of the file ended up."""

    row_number: int
    track_id: int
    created: bool


def stage_rows(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """COPY rows of a row number and the columns of `_TYPES` into the staging table of this transaction."""
    columns = ", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())
    session.execute(
        text(f"""
            CREATE TEMPORARY TABLE stage_import (
                row_number int PRIMARY KEY, {columns}, track_id bigint, created boolean NOT NULL DEFAULT false
            ) ON COMMIT DROP
        """)
    )
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    statement = f"COPY stage_import (row_number, {_COLUMNS}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    session.execute(text("ANALYZE stage_import"))


def match_and_insert(session: Session) -> list[ImportedRow]:
    """Match the staged rows to tracks, insert those that match none, and fill what the matched ones lacked."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IMPORT_LOCK})
    for statement in (_BY_SPOTIFY_ID, _BY_ISRC, _SPOTIFY_ROW_BY_KEY, _BARE_ROW_BY_KEY, _NUMBER_NEW, _INSERT_NEW, _FILL):
        session.execute(text(statement))
    rows = session.execute(text("SELECT row_number, track_id, created FROM stage_import ORDER BY row_number"))
    return [ImportedRow(*row) for row in rows]


def add_to_playlist(session: Session, user_id: int, name: str) -> tuple[int, int]:
    """Put the staged rows into the user's playlist, creating both where needed: `(playlist_id, tracks added)`."""
    # Not a bare insert: the user may be about to be removed, and is then made anew.
    add_users(session, [user_id])
    playlist_id = session.execute(
        text("""
            INSERT INTO playlists (user_id, name) VALUES (:user_id, :name)
            ON CONFLICT (user_id, name) DO UPDATE SET name = excluded.name RETURNING id
        """),
        {"user_id": user_id, "name": name},
    ).scalar_one()
    added = session.execute(
        text("""
            INSERT INTO playlist_tracks (playlist_id, track_id, position)
            SELECT :playlist_id, track_id, row_number + (
                SELECT coalesce(max(position), 0) FROM playlist_tracks WHERE playlist_id = :playlist_id)
            FROM stage_import ORDER BY row_number
            ON CONFLICT DO NOTHING RETURNING 1
        """),
        {"playlist_id": playlist_id},
    )
    return playlist_id, len(added.all())


_BY_SPOTIFY_ID = """
    UPDATE stage_import i SET track_id = t.id FROM tracks t WHERE t.spotify_id = i.spotify_id
"""

_BY_ISRC = """
    UPDATE stage_import i SET track_id = t.id
    FROM (SELECT isrc, min(id) AS id FROM tracks
          WHERE isrc IN (SELECT isrc FROM stage_import WHERE track_id IS NULL) GROUP BY isrc) t
    WHERE i.track_id IS NULL AND i.isrc = t.isrc
"""

# Only one row with a Spotify id may take over a track that has none, hence one row per track.
_SPOTIFY_ROW_BY_KEY = """
    UPDATE stage_import i SET track_id = m.id
    FROM (
        SELECT DISTINCT ON (row_number) row_number, id FROM (
            SELECT DISTINCT ON (t.id) t.id, i.row_number
            FROM stage_import i JOIN tracks t USING (identity_key)
            WHERE i.track_id IS NULL AND i.spotify_id IS NOT NULL AND t.spotify_id IS NULL
              AND (t.isrc IS NULL OR i.isrc IS NULL OR t.isrc = i.isrc)
            ORDER BY t.id, i.row_number
        ) one_row_per_track ORDER BY row_number, id
    ) m WHERE m.row_number = i.row_number
"""

_BARE_ROW_BY_KEY = """
    UPDATE stage_import i SET track_id = m.id
    FROM (
        SELECT DISTINCT ON (i.row_number) i.row_number, t.id
        FROM stage_import i JOIN tracks t USING (identity_key)
        WHERE i.track_id IS NULL AND i.spotify_id IS NULL AND (t.isrc IS NULL OR i.isrc IS NULL OR t.isrc = i.isrc)
        ORDER BY i.row_number, t.id
    ) m WHERE m.row_number = i.row_number
"""

_NUMBER_NEW = """
    UPDATE stage_import SET track_id = nextval(pg_get_serial_sequence('tracks', 'id')), created = true
    WHERE track_id IS NULL
"""

_INSERT_NEW = f"""
    INSERT INTO tracks (id, {_COLUMNS}) SELECT track_id, {_COLUMNS} FROM stage_import WHERE created ORDER BY track_id
"""


def _missing(table: str, column: str) -> str:
    """SQL: whether the row of that table lacks the column."""
    return f"{table}.{column} = '{{}}'" if _TYPES[column].endswith("[]") else f"{table}.{column} IS NULL"


# What a track already has stays; the file only fills gaps.
_FILL = f"""
    UPDATE tracks t SET
        {", ".join(f"{name} = CASE WHEN {_missing('t', name)} THEN i.{name} ELSE t.{name} END" for name in _FILLABLE)}
    FROM (SELECT DISTINCT ON (track_id) * FROM stage_import WHERE NOT created ORDER BY track_id, row_number) i
    WHERE t.id = i.track_id
      AND ({" OR ".join(f"{_missing('t', name)} AND NOT {_missing('i', name)}" for name in _FILLABLE)})
"""
