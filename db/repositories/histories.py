"""What users own and did, as columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = (
    ("user_id", ">i8"),
    ("track_id", ">i8"),
    ("owned", ">i2"),
    ("plays", ">f4"),
    ("skips", ">f4"),
    ("liked", ">i2"),
    ("age_days", ">f4"),
)

# A track that was only skipped has no date but that of its row.
_HISTORIES = """
    SELECT coalesce(o.user_id, i.user_id),
        coalesce(o.track_id, i.track_id),
        (o.track_id IS NOT NULL)::int::smallint,
        coalesce(i.plays, 0)::real,
        coalesce(i.skips, 0)::real,
        coalesce(i.liked, 0)::smallint,
        greatest(0, extract(epoch FROM now() - coalesce(
            greatest(o.added_at, i.last_played_at, i.liked_at), i.updated_at)) / 86400)::real
    FROM (SELECT p.user_id, m.track_id, max(p.created_at) AS added_at
          FROM playlists p JOIN playlist_tracks m ON m.playlist_id = p.id
          WHERE p.user_id = ANY(%(user_ids)s) GROUP BY p.user_id, m.track_id) AS o
    FULL JOIN (SELECT * FROM interactions WHERE user_id = ANY(%(user_ids)s)) AS i
      ON i.user_id = o.user_id AND i.track_id = o.track_id
    ORDER BY 1, 2
"""


def read_histories(session: Session, user_ids: Sequence[int]) -> "NDArray[np.void]":
    """One row for each user and track, by user and track.

    Fields: `user_id`, `track_id`, `owned` (0 or 1), `plays`, `skips`, `liked` (-1, 0 or 1), `age_days`.
    """
    import numpy as np

    from db.binary_rows import read_rows

    names = [name for name, _ in _COLUMNS]
    blocks = [rows[names] for rows in read_rows(session, _HISTORIES, {"user_ids": list(user_ids)}, _COLUMNS)]
    return np.concatenate([np.empty(0, list(_COLUMNS)), *blocks])


def most_active_users(session: Session, limit: int) -> list[int]:
    """The users with most tracks in playlists and tracks played or liked, ascending."""
    query = text("""
        SELECT user_id FROM (
            SELECT p.user_id, m.track_id FROM playlists p JOIN playlist_tracks m ON m.playlist_id = p.id
            UNION
            SELECT user_id, track_id FROM interactions WHERE plays > 0 OR liked > 0
        ) AS wanted GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT :limit
    """)
    return sorted(session.scalars(query, {"limit": limit}))
