"""Vectors of one space, all at once."""

from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.audio import Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLOAT_BYTES = 4


def read_vectors(
    session: Session, space: str, segment: Segment, dimensions: int
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Ids [n] and unit vectors [n, dimensions] of every track that has one of this segment in the space."""
    import numpy as np

    from db.binary_rows import read_rows

    width = dimensions * _FLOAT_BYTES
    query = """
        SELECT track_id, vector FROM embeddings
        WHERE space = %(space)s AND segment = %(segment)s AND length(vector) = %(width)s
    """
    parameters = {"space": space, "segment": str(segment), "width": width}
    ids, vectors = [np.empty(0, np.int64)], [np.empty((0, dimensions), np.float32)]
    for rows in read_rows(session, query, parameters, [("id", ">i8"), ("vector", f"V{width}")]):
        ids.append(rows["id"].astype(np.int64))
        vectors.append(np.frombuffer(rows["vector"].tobytes(), "<f4").reshape(len(rows), dimensions))
    return np.concatenate(ids), np.concatenate(vectors)


def spaces(session: Session) -> list[str]:
    """The spaces that tracks have vectors in, the one of most tracks first."""
    query = text("SELECT space FROM embeddings GROUP BY space ORDER BY count(*) DESC, space")
    return list(session.scalars(query))
