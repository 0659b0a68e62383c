"""One row: validation and cleaning."""

import unicodedata

import pytest

from services.playlists.rejects import RowError
from services.playlists.rows import ImportRow, RawRow, RowReader


def read(**fields: str) -> ImportRow:
    """A row with artist and title unless given."""
    return RowReader(max_text_length=100).read(RawRow(7, {"artist": "A", "title": "T", **fields}, None))


def reason(**fields: str) -> str:
    """Why such a row is rejected."""
    with pytest.raises(RowError) as caught:
        read(**fields)
    return caught.value.reason


def test_everything_known() -> None:
    row = read(
        artist="Tyler, The Creator",
        title="See You Again (feat. Kali Uchis)",
        album="Flower Boy",
        spotify_id="spotify:track:7KA4W4McWYRpgf0fWsJZWB",
        isrc="us-qx9-17-01287",
        duration_ms="180387",
        release_year="2017-07-21",
        explicit="true",
        popularity="80",
        genres="Hip Hop,rap",
        moods="Dreamy; Warm",
        track_number="8",
        album_total_tracks="14",
        energy="0.559",
        audio_uri="x.mp3",
    )
    assert row == ImportRow(
        line=7,
        artist="Tyler, The Creator",
        title="See You Again (feat. Kali Uchis)",
        album="Flower Boy",
        spotify_id="7KA4W4McWYRpgf0fWsJZWB",
        isrc="USQX91701287",
        duration_ms=180387,
        release_year=2017,
        explicit=True,
        popularity=80,
        genres=("hip hop", "rap"),
        moods=("dreamy", "warm"),
        track_number=8,
        album_total_tracks=14,
        features={"energy": 0.559},
        audio_uri="x.mp3",
        key="tyler the creator|see you again",
    )


def test_artist_and_title_alone() -> None:
    row = read()
    assert (row.album, row.spotify_id, row.isrc, row.duration_ms, row.release_year) == (None,) * 5
    assert (row.explicit, row.popularity, row.genres, row.features, row.audio_uri) == (None, None, (), {}, None)
    assert (row.moods, row.track_number, row.album_total_tracks) == ((), None, None)


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u200b", "\ufeff", "\xa0"])
def test_blank_names(blank: str) -> None:
    assert reason(artist=blank) == "blank-artist"
    assert reason(title=blank) == "blank-title"


def test_artist_of_separators_alone() -> None:
    assert reason(artist=";;") == "blank-artist"


@pytest.mark.parametrize("field", ["artist", "title", "album", "genres", "moods", "audio_uri"])
def test_texts_that_cannot_be_stored(field: str) -> None:
    assert reason(**{field: "a\0b"}) == "nul-character"
    assert reason(**{field: "a\udcffb"}) == "undecodable"
    assert reason(**{field: "x" * 101}) == "too-long"


def test_many_genres_may_be_longer_than_one_text() -> None:
    assert len(read(genres=",".join(f"genre {number}" for number in range(50))).genres) == 50


def test_control_characters_become_spaces() -> None:
    assert read(title=" a\nb\x07c ").title == "a b c"


def test_names_are_composed_and_paths_are_not() -> None:
    decomposed = unicodedata.normalize("NFD", "좋은 날")
    row = read(title=decomposed, audio_uri=decomposed)
    assert (row.title, row.audio_uri) == ("좋은 날", decomposed)


def test_ids_that_are_none_are_ignored() -> None:
    row = read(spotify_id="spotify:local:a:b:c:1", isrc="none")
    assert (row.spotify_id, row.isrc) == (None, None)


def test_artist_ids_decide_about_commas() -> None:
    assert read(artist="A One, B Two", artist_ids="spotify:artist:1, spotify:artist:2").artist == "A One;B Two"
    assert read(artist="A One, B Two", artist_ids="spotify:artist:1").artist == "A One, B Two"
