"""M3U playlists."""

import pytest

from services.playlists.m3u import m3u_rows, playlist_name


def fields(text: str) -> list[dict[str, str]]:
    """The fields of every entry."""
    return [dict(row.fields) for row in m3u_rows(text)]


def test_extended() -> None:
    text = """#EXTM3U
#PLAYLIST: Evening
#EXTINF:354,Queen - Bohemian Rhapsody - Remastered 2011
#EXTALB:A Night at the Opera
#EXTGENRE:rock

music/queen.mp3
#EXTINF:-1 tvg-id="x",Radio Host - Live Set
http://example.org/stream
"""
    assert playlist_name(text) == " Evening"
    assert [row.line for row in m3u_rows(text)] == [7, 9]
    assert fields(text) == [
        {
            "duration_s": "354",
            "artist": "Queen",
            "title": "Bohemian Rhapsody - Remastered 2011",
            "album": "A Night at the Opera",
            "genres": "rock",
            "audio_uri": "music/queen.mp3",
        },
        {"artist": "Radio Host", "title": "Live Set", "audio_uri": "http://example.org/stream"},
    ]


def test_the_artist_tag_completes_a_title() -> None:
    assert fields("#EXTINF:10,Title\n#EXTART:Artist\nx.mp3\n") == [
        {"duration_s": "10", "title": "Title", "artist": "Artist", "audio_uri": "x.mp3"}
    ]


@pytest.mark.parametrize(
    ("path", "artist", "title"),
    [
        ("Queen - Innuendo.mp3", "Queen", "Innuendo"),
        ("/music/Queen – Innuendo.flac", "Queen", "Innuendo"),
        ("C:\\Music\\Queen - Innuendo.wma", "Queen", "Innuendo"),
        ("file:///music/Beyonc%C3%A9%20-%20Halo.m4a", "Beyoncé", "Halo"),
        ("01 - Queen - Innuendo.mp3", "Queen", "Innuendo"),
        ("07. Queen - Innuendo.mp3", "Queen", "Innuendo"),
        ("50 Cent - In da Club.mp3", "50 Cent", "In da Club"),
        ("311 - Amber.mp3", "311", "Amber"),
        ("Jay-Z - 99 Problems", "Jay-Z", "99 Problems"),
    ],
)
def test_bare_paths(path: str, artist: str, title: str) -> None:
    assert fields(path) == [{"artist": artist, "title": title, "audio_uri": path}]


def test_a_path_without_an_artist_gives_none() -> None:
    assert fields("track01.mp3") == [{"audio_uri": "track01.mp3"}]


def test_a_spotify_uri_is_no_audio() -> None:
    uri = "spotify:track:4ZJn7NlmOTaSxjoHynRquQ"
    assert fields(f"#EXTINF:1,A - T\n{uri}") == [{"duration_s": "1", "artist": "A", "title": "T", "spotify_id": uri}]
