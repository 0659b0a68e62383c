"""All tracks as columns, for recommenders: numbers by binary COPY, texts through a cursor on the server."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = 20_000
#: Between two genres of a track: ASCII's unit separator, which no genre holds.
GENRE_SEPARATOR = "\x1f"
#: Artist, title, album, genres joined with `GENRE_SEPARATOR`.
Texts = tuple[str, str, str | None, str]


def library_stamp(session: Session) -> str:
    """Equal as long as no track is added, changed or deleted.

    Every write of a row leaves the number of its transaction in `xmin`, and numbers only grow, so that the sum of all
    changes with every write, also with those of transactions that took long.
    """
    count, writes = session.execute(
        text("SELECT count(*), coalesce(sum(xmin::text::bigint), 0)::bigint FROM tracks")
    ).one()
    return f"{count}-{writes}"


def track_numbers(session: Session) -> "Iterator[NDArray[np.void]]":
    """Blocks of all tracks by ascending id: `id`, `identity` (hash of the identity key), features, `popularity`.

    Unknown values are NaN.
    """
    from db.binary_rows import read_rows

    reals = (*FEATURE_NAMES, "popularity")
    values = ", ".join(f"coalesce({name}::real, 'NaN')" for name in reals)
    query = f"SELECT id, hashtextextended(identity_key, 0), {values} FROM tracks ORDER BY id"
    return read_rows(session, query, {}, [("id", ">i8"), ("identity", ">i8"), *((name, ">f4") for name in reals)])


def track_texts(session: Session) -> Iterator[Sequence[Texts]]:
    """Blocks of all tracks by ascending id; within one transaction the rows are those of `track_numbers`."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor(name="track_texts", binary=True) as cursor:
        cursor.execute(
            "SELECT artist, title, album, array_to_string(genres, %s::text) FROM tracks ORDER BY id", [GENRE_SEPARATOR]
        )
        while rows := cursor.fetchmany(_ROWS):
            yield rows
