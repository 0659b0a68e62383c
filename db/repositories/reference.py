"""Reading the reference table: by id, by ISRC, by the identity key, and by what nearly is one; always for many tracks.

`n` numbers the tracks of a call; it comes back with every row that may be that track.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES


@dataclass(frozen=True, slots=True)
class TrackColumns:
    """What identifies m tracks, one list of length m per column; `None` is unknown."""

    track_ids: list[int]
    spotify_id: list[str | None]
    isrc: list[str | None]
    artist: list[str]  #: All credited artists, joined with ";".
    title: list[str]
    duration_ms: list[int | None]

    def __len__(self) -> int:
        return len(self.track_ids)


@dataclass(frozen=True, slots=True)
class ReferenceState:
    """What a process must know before it matches."""

    loaded: bool  #: Whether there is any reference.
    revision: int  #: Of the table: rises with every load.


@dataclass(slots=True)
class NearQueries:
    """Which references to fetch: rows of one key, of durations within bounds, for track `n`."""

    n: list[int] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    shortest_ms: list[int] = field(default_factory=list)
    longest_ms: list[int] = field(default_factory=list)


class ReferenceRow(NamedTuple):
    """A reference that may be track `n`."""

    n: int
    reference_id: int
    duration_ms: int | None


class NearRow(NamedTuple):
    """A reference that may be track `n`, with what it is compared by."""

    n: int
    reference_id: int
    duration_ms: int | None
    artist_key: str
    title_key: str
    artist: str
    title: str
    isrc: str | None


@dataclass(frozen=True, slots=True)
class ReferenceDetails:
    """What a reference says, and where to find it."""

    spotify_id: str | None
    key: tuple[str, str]
    values: NDArray[np.float32]  #: [9]; NaN where unknown.


def load_track_columns(session: Session, track_ids: Sequence[int]) -> TrackColumns:
    """The columns of the tracks that exist, in the order of their ids."""
    rows = session.execute(
        text("SELECT id, spotify_id, isrc, artist, title, duration_ms FROM tracks WHERE id = ANY(:ids) ORDER BY id"),
        {"ids": list(track_ids)},
    )
    columns: list[list[object]] = [[], [], [], [], [], []]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return TrackColumns(*columns)  # type: ignore[arg-type]


def reference_state(session: Session) -> ReferenceState:
    """Whether there are references, and their revision; one look at two indexes."""
    loaded, revision = session.execute(
        text("SELECT EXISTS (SELECT FROM spotify_reference), (SELECT max(id) FROM reference_loads)")
    ).one()
    return ReferenceState(loaded, revision or 0)


def by_spotify_id(session: Session, n: Sequence[int], spotify_ids: Sequence[str]) -> list[ReferenceRow]:
    """The reference of each Spotify id."""
    rows = session.execute(
        text("""
            SELECT q.n, r.id, r.duration_ms FROM unnest(CAST(:n AS int[]), CAST(:ids AS text[])) AS q (n, spotify_id)
            JOIN spotify_reference r ON r.spotify_id = q.spotify_id
        """),
        {"n": list(n), "ids": list(spotify_ids)},
    )
    return [ReferenceRow(*row) for row in rows]


def by_isrc(session: Session, n: Sequence[int], isrcs: Sequence[str]) -> list[NearRow]:
    """The references that carry each ISRC; releases share them."""
    rows = session.execute(
        text(f"""
            SELECT {_NEAR_COLUMNS} FROM unnest(CAST(:n AS int[]), CAST(:isrcs AS text[])) AS q (n, isrc)
            JOIN spotify_reference r ON r.isrc = q.isrc
        """),
        {"n": list(n), "isrcs": list(isrcs)},
    )
    return [NearRow(*row) for row in rows]


def by_key(session: Session, n: Sequence[int], keys: Sequence[tuple[str, str]]) -> list[NearRow]:
    """The references of exactly this artist and title."""
    rows = session.execute(
        text(f"""
            SELECT {_NEAR_COLUMNS}
            FROM unnest(CAST(:n AS int[]), CAST(:artists AS text[]), CAST(:titles AS text[]))
                AS q (n, artist_key, title_key)
            JOIN spotify_reference r ON r.artist_key = q.artist_key AND r.title_key = q.title_key
        """),
        {"n": list(n), "artists": [key[0] for key in keys], "titles": [key[1] for key in keys]},
    )
    return [NearRow(*row) for row in rows]


_NEAR_COLUMNS = "q.n, r.id, r.duration_ms, r.artist_key, r.title_key, r.artist, r.title, r.isrc"


def by_artist_and_duration(session: Session, queries: NearQueries) -> list[NearRow]:
    """The references of an artist's key that are about as long."""
    return _by_half(session, "artist_key", queries)


def by_title_and_duration(session: Session, queries: NearQueries) -> list[NearRow]:
    """The references of a title's key that are about as long, whoever plays."""
    return _by_half(session, "title_key", queries)


def _by_half(session: Session, column: str, queries: NearQueries) -> list[NearRow]:
    if not queries.n:
        return []
    rows = session.execute(
        text(f"""
            SELECT {_NEAR_COLUMNS}
            FROM unnest(CAST(:n AS int[]), CAST(:keys AS text[]), CAST(:shortest AS int[]), CAST(:longest AS int[]))
                AS q (n, key, shortest_ms, longest_ms)
            JOIN spotify_reference r ON r.{column} = q.key AND r.duration_ms BETWEEN q.shortest_ms AND q.longest_ms
        """),
        {"n": queries.n, "keys": queries.key, "shortest": queries.shortest_ms, "longest": queries.longest_ms},
    )
    return [NearRow(*row) for row in rows]


def load_details(session: Session, reference_ids: Sequence[int]) -> dict[int, ReferenceDetails]:
    """What the references say, by their ids."""
    if not reference_ids:
        return {}
    rows = session.execute(
        text(f"""
            SELECT id, spotify_id, artist_key, title_key, {", ".join(FEATURE_NAMES)}
            FROM spotify_reference WHERE id = ANY(:ids)
        """),
        {"ids": list(reference_ids)},
    )
    return {row[0]: ReferenceDetails(row[1], (row[2], row[3]), np.array(row[4:], dtype=np.float32)) for row in rows}


def load_artist_forms(session: Session) -> tuple[list[str], list[str]]:
    """All spellings of the artists in the reference table, and the key of the artist of each."""
    rows = session.execute(text("SELECT form, artist_key FROM reference_artists ORDER BY artist_key, form")).all()
    return [row[0] for row in rows], [row[1] for row in rows]


def has_trigram_search(session: Session) -> bool:
    """Whether the server can search spellings of artists itself: pg_trgm, its index, and letters beyond ASCII.

    In a database whose locale is "C", pg_trgm takes letters beyond ASCII for punctuation.
    """
    indexed = session.scalar(text(f"SELECT to_regclass('{TRIGRAM_INDEX}') IS NOT NULL AND {HAS_TRIGRAMS}"))
    return bool(indexed) and bool(session.scalar(text("SELECT cardinality(show_trgm('아이')) = 3")))


TRIGRAM_INDEX = "ix_reference_artists_form_trigrams"
HAS_TRIGRAMS = "EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')"


def artists_near(session: Session, forms: Sequence[str], threshold: float) -> list[tuple[str, str, str]]:
    """The spellings of artists that pg_trgm finds similar: `(queried form, form found, its artist's key)`."""
    session.execute(
        text("SELECT set_config('pg_trgm.similarity_threshold', :threshold, true)"), {"threshold": str(threshold)}
    )
    rows = session.execute(
        text("""
            SELECT q.form, a.form, a.artist_key FROM unnest(CAST(:forms AS text[])) AS q (form)
            JOIN reference_artists a ON a.form % q.form
        """),
        {"forms": list(forms)},
    )
    return [(row[0], row[1], row[2]) for row in rows]
