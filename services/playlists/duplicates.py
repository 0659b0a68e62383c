"""Rows of one file that are the same track."""

from dataclasses import replace
from typing import TypeVar

from services.playlists.rejects import RowError
from services.playlists.rows import ImportRow

_T = TypeVar("_T")


class TrackList:
    """Import rows without duplicates: a later row that repeats a track fills what the first one lacks.

    Rows are the same track when they share a Spotify id, an ISRC, or the artist|title key. Two different Spotify ids
    are never the same track; two different ISRCs are not where only the key agrees.
    """

    def __init__(self) -> None:
        self.rows: list[ImportRow] = []
        self._by_spotify_id: dict[str, int] = {}
        self._by_isrc: dict[str, int] = {}
        self._by_key: dict[str, int] = {}

    def add(self, row: ImportRow) -> None:
        """Append a new track, or merge a repeated one.

        Raises
        ------
        RowError
            `duplicate`, once the row has been merged into the first one.
        """
        found = self._find(row)
        if found is None:
            self._index(row, len(self.rows))
            self.rows.append(row)
            return
        position, shared = found
        first = self.rows[position]
        self.rows[position] = merged = _merge(first, row)
        self._index(merged, position)
        raise RowError("duplicate", f"The same {shared} as line {first.line}.")

    def _find(self, row: ImportRow) -> tuple[int, str] | None:
        """The position of the first row that is the same track, and what the two share."""
        position = self._by_spotify_id.get(row.spotify_id or "")
        if position is not None:
            return position, "Spotify id"
        position = self._by_isrc.get(row.isrc or "")
        if position is not None and not _differ(self.rows[position].spotify_id, row.spotify_id):
            return position, "ISRC"
        position = self._by_key.get(row.key)
        if position is not None and not _conflict(self.rows[position], row):
            return position, "artist and title"
        return None

    def _index(self, row: ImportRow, position: int) -> None:
        if row.spotify_id:
            self._by_spotify_id.setdefault(row.spotify_id, position)
        if row.isrc:
            self._by_isrc.setdefault(row.isrc, position)
        self._by_key.setdefault(row.key, position)


def _conflict(first: ImportRow, later: ImportRow) -> bool:
    return _differ(first.spotify_id, later.spotify_id) or _differ(first.isrc, later.isrc)


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _merge(first: ImportRow, later: ImportRow) -> ImportRow:
    """The first row with its gaps filled from the later one."""
    return replace(
        first,
        album=first.album or later.album,
        spotify_id=first.spotify_id or later.spotify_id,
        isrc=first.isrc or later.isrc,
        duration_ms=_either(first.duration_ms, later.duration_ms),
        release_year=_either(first.release_year, later.release_year),
        explicit=_either(first.explicit, later.explicit),
        popularity=_either(first.popularity, later.popularity),
        genres=first.genres or later.genres,
        moods=first.moods or later.moods,
        track_number=_either(first.track_number, later.track_number),
        album_total_tracks=_either(first.album_total_tracks, later.album_total_tracks),
        features={**later.features, **first.features},
        audio_uri=first.audio_uri or later.audio_uri,
    )


def _either(first: _T | None, later: _T | None) -> _T | None:
    return later if first is None else first
