"""JSON playlists."""

import json

import pytest

from core.errors import PermanentError
from services.playlists.rejects import Reject
from services.playlists.structured import load_json, object_rows

SPOTIFY_TRACK = {
    "id": "4ZJn7NlmOTaSxjoHynRquQ",
    "name": "911 / Mr. Lonely",
    "artists": [{"name": "Tyler, The Creator"}, {"name": "Frank Ocean"}],
    "album": {"name": "Flower Boy", "release_date": "2017-07-21", "total_tracks": 14},
    "track_number": 10,
    "external_ids": {"isrc": "USQX91701234"},
    "duration_ms": 255426,
    "explicit": True,
    "popularity": 70,
}


@pytest.mark.parametrize(
    "document",
    [
        [SPOTIFY_TRACK],
        {"tracks": [SPOTIFY_TRACK]},
        {"items": [{"track": SPOTIFY_TRACK, "added_at": "2020"}]},
        {"name": "Mine", "tracks": {"items": [{"track": SPOTIFY_TRACK}]}},
    ],
)
def test_shapes_of_the_spotify_api(document: object) -> None:
    name, elements = load_json(json.dumps(document), "list.json")
    assert name == ("Mine" if isinstance(document, dict) and "name" in document else None)
    (row,) = object_rows(elements)
    assert not isinstance(row, Reject)
    assert row.fields == {
        "spotify_id": "4ZJn7NlmOTaSxjoHynRquQ",
        "title": "911 / Mr. Lonely",
        "artist": "Tyler\\, The Creator;Frank Ocean",
        "album": "Flower Boy",
        "release_year": "2017-07-21",
        "isrc": "USQX91701234",
        "duration_ms": "255426",
        "explicit": "true",
        "popularity": "70",
        "track_number": "10",
        "album_total_tracks": "14",
    }


@pytest.mark.parametrize("artist", ["A;B", ["A", "B"], [{"name": "A"}, {"name": "B"}]])
@pytest.mark.parametrize("key", ["artist", "artists"])
def test_ways_to_name_artists(artist: object, key: str) -> None:
    (row,) = object_rows([{key: artist, "title": "T"}])
    assert not isinstance(row, Reject)
    assert row.fields["artist"] == "A;B"


def test_flat_objects() -> None:
    (row,) = object_rows(
        [
            {
                "artist": "A",
                "track_name": "T",
                "album": "L",
                "genres": ["pop", "rock"],
                "moods": ["calm"],
                "energy": 0.5,
                "tempo": None,
            }
        ]
    )
    assert not isinstance(row, Reject)
    assert row.fields == {
        "artist": "A",
        "title": "T",
        "album": "L",
        "genres": "pop,rock",
        "moods": "calm",
        "energy": "0.5",
        "tempo": "",
    }


def test_nested_features() -> None:
    (row,) = object_rows([{"artist": "A", "title": "T", "features": {"energy": 0.5, "key": 3}}])
    assert not isinstance(row, Reject)
    assert row.fields == {"artist": "A", "title": "T", "energy": "0.5"}


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ("A - T", "not-an-object"),
        (None, "not-an-object"),
        ([], "not-an-object"),
        ({"artist": "A", "title": ["T", 1]}, "bad-value"),
        ({"artist": "A", "title": {"x": 1}}, "bad-value"),
        ({"artist": [1], "title": "T"}, "bad-value"),
        ({"artist": [{}], "title": "T"}, "bad-value"),
    ],
)
def test_elements_that_are_no_tracks(element: object, reason: str) -> None:
    (reject,) = object_rows([element])
    assert isinstance(reject, Reject)
    assert (reject.line, reject.reason) == (1, reason)


@pytest.mark.parametrize("text", ["{", "[1,", '{"a": 1}', "3", '"x"', "[" * 100_000, "[" + "9" * 5000 + "]"])
def test_broken_documents(text: str) -> None:
    with pytest.raises(PermanentError) as caught:
        load_json(text, "list.json")
    assert caught.value.code == "file-not-a-playlist"
