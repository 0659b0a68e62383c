"""Postgres' binary COPY format, encoded from NumPy columns without a Python loop over rows.

Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"). Every field here has a fixed width, so
a whole batch is one structured array. Unknown values travel as NaN and become null in SQL.
"""

from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_WIRE_TYPES = {"int64": ">i8", "int16": ">i2", "float32": ">f4"}


def encode(columns: Sequence[NDArray[np.generic]]) -> bytes:
    """A COPY stream of n rows from 1-D arrays of length n: int64 (bigint), int16 (smallint) or float32 (real)."""
    layout: list[tuple[str, str]] = [("n_fields", ">i2")]
    for index, column in enumerate(columns):
        wire = _WIRE_TYPES[column.dtype.name]
        layout += [(f"width_{index}", ">i4"), (f"value_{index}", wire)]
    rows = np.empty(len(columns[0]), dtype=layout)
    rows["n_fields"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"width_{index}"] = column.dtype.itemsize
        rows[f"value_{index}"] = column
    return _HEADER + rows.tobytes() + _TRAILER


def copy_into(session: Session, statement: str, stream: bytes) -> None:
    """Send an encoded stream with a `COPY ... FROM STDIN (FORMAT binary)` statement, in the session's transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(stream)
