"""Postgres' binary COPY format, decoded into NumPy arrays without a Python loop over values.

Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"). Every field must have a fixed width and
none may be null, so that rows are one structured array; `db.binary_copy` is the way back.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

_HEADER_BYTES = 19
_BLOCK_BYTES = 4_000_000
_TRAILER = b"\xff\xff"

#: A column: its name, and its type on the wire, such as ">i8" (bigint), ">f4" (real) or "V2048" (bytea).
Column = tuple[str, str]


def read_rows(
    session: Session, query: str, parameters: dict[str, Any], columns: Sequence[Column]
) -> Iterator[NDArray[np.void]]:
    """Blocks of the rows of a query, structured arrays with a field for each column.

    Raises
    ------
    ValueError
        A row is not as wide as the columns say.
    """
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    layout = _layout(columns)
    rest = bytearray()
    skipped = False
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", parameters) as copy:
        for chunk in copy:
            rest += chunk
            if not skipped and len(rest) >= _HEADER_BYTES:
                del rest[:_HEADER_BYTES]
                skipped = True
            if len(rest) >= _BLOCK_BYTES:
                whole = len(rest) // layout.itemsize * layout.itemsize
                yield _decode(bytes(rest[:whole]), layout, columns)
                del rest[:whole]
    if not rest.endswith(_TRAILER) or (len(rest) - len(_TRAILER)) % layout.itemsize:
        raise ValueError("rows are not of one width")
    if len(rest) > len(_TRAILER):
        yield _decode(bytes(rest[: -len(_TRAILER)]), layout, columns)


def _layout(columns: Sequence[Column]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("n_fields", ">i2")]
    for name, wire in columns:
        fields += [(f"width of {name}", ">i4"), (name, wire)]
    return np.dtype(fields)


def _decode(block: bytes, layout: np.dtype[np.void], columns: Sequence[Column]) -> NDArray[np.void]:
    rows: NDArray[np.void] = np.frombuffer(block, layout)
    widths = {name: layout[name].itemsize for name, _ in columns}
    if not all((rows[f"width of {name}"] == width).all() for name, width in widths.items()):
        raise ValueError("a row has another width than its column, or null")
    return rows
