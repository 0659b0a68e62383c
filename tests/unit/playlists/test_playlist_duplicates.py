"""Duplicate rows."""

from dataclasses import replace

import pytest

from services.playlists.duplicates import TrackList
from services.playlists.rejects import RowError
from services.playlists.rows import ImportRow

IDS = ("a" * 22, "b" * 22)
ISRCS = ("USRC17607839", "USRC17607840")
ROW = ImportRow(2, "A", "T", None, None, None, None, None, None, None, (), (), None, None, {}, None, "a|t")


def unite(*rows: ImportRow) -> tuple[list[ImportRow], list[str]]:
    """What remains of the rows, and what is said about the others."""
    tracks, details = TrackList(), []
    for row in rows:
        try:
            tracks.add(row)
        except RowError as error:
            details.append(f"{error.reason}: {error.detail}")
    return tracks.rows, details


@pytest.mark.parametrize(
    ("shared", "changes"),
    [
        ("Spotify id", {"spotify_id": IDS[0], "key": "other|key", "isrc": ISRCS[1]}),
        ("ISRC", {"isrc": ISRCS[0], "key": "other|key"}),
        ("artist and title", {}),
    ],
)
def test_same_tracks(shared: str, changes: dict[str, str]) -> None:
    first = replace(ROW, spotify_id=IDS[0], isrc=ISRCS[0])
    rows, details = unite(first, replace(ROW, line=3, **changes))
    assert rows == [first]
    assert details == [f"duplicate: The same {shared} as line 2."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"spotify_id": IDS[0]}, {"spotify_id": IDS[1]}),
        ({"spotify_id": IDS[0], "isrc": ISRCS[0]}, {"spotify_id": IDS[1], "isrc": ISRCS[0]}),
        ({"isrc": ISRCS[0]}, {"isrc": ISRCS[1]}),
    ],
)
def test_different_ids_are_different_tracks(one: dict[str, str], other: dict[str, str]) -> None:
    rows, details = unite(replace(ROW, **one), replace(ROW, **other))
    assert len(rows) == 2
    assert not details


def test_the_later_row_fills_gaps_only() -> None:
    first = replace(ROW, album="First", popularity=0, explicit=False, features={"energy": 0.1})
    later = replace(
        ROW,
        line=9,
        album="Later",
        isrc=ISRCS[0],
        popularity=50,
        explicit=True,
        duration_ms=1000,
        genres=("pop",),
        moods=("calm",),
        track_number=4,
        album_total_tracks=12,
        features={"energy": 0.9, "tempo": 120.0},
    )
    rows, _ = unite(first, later)
    learned = {
        "moods": ("calm",),
        "track_number": 4,
        "album_total_tracks": 12,
        "features": {"energy": 0.1, "tempo": 120.0},
    }
    assert rows == [replace(first, isrc=ISRCS[0], duration_ms=1000, genres=("pop",), **learned)]


def test_ids_learned_from_a_duplicate_count() -> None:
    rows, details = unite(
        ROW,
        replace(ROW, line=3, spotify_id=IDS[0]),
        replace(ROW, line=4, spotify_id=IDS[0], key="other|key"),
        replace(ROW, line=5, spotify_id=IDS[1]),
    )
    assert [row.spotify_id for row in rows] == list(IDS)
    assert len(details) == 2
