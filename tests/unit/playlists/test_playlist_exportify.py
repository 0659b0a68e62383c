"""The layouts of both Exportify generators."""

import pytest

from core.settings import ImportSettings
from services.playlists.reader import PlaylistFile, parse_playlist

WATSONBOX = """\
"Playlist name","Track URI","Track Name","Artist URI(s)","Artist Name(s)","Album URI","Album Name",\
"Album Artist URI(s)","Album Artist Name(s)","Album Release Date","Album Image URL","Disc Number","Track Number",\
"Track Duration (ms)","Track Preview URL","Explicit","Popularity","ISRC","Added By","Added At","Artist Genres"
"Mine","spotify:track:7KA4W4McWYRpgf0fWsJZWB","See You Again","spotify:artist:1, spotify:artist:2",\
"Tyler\\, The Creator, Kali Uchis","spotify:album:1","Flower Boy","spotify:artist:1","Tyler\\, The Creator",\
"2017-07-21","https://i","1","4","180387","","true","80","USQX91701287","","2020-01-01T00:00:00Z","hip hop,rap"
"""
PAVELKOMAROV = """\
Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Explicit,Added By,Added At,Genres,\
Record Label,Danceability,Energy,Key,Loudness,Mode,Speechiness,Acousticness,Instrumentalness,Liveness,Valence,Tempo,\
Time Signature
spotify:track:7KA4W4McWYRpgf0fWsJZWB,"See You Again","Flower Boy","Tyler, The Creator,Kali Uchis",2017-07-21,180387,80,\
true,,2020-01-01T00:00:00Z,"hip hop,rap",Columbia,0.558,0.559,6,-9.222,1,0.0959,0.371,7.49e-06,0.109,0.62,78.558,4
spotify:track:7KA4W4McWYRpgf0fWsJZWC,"Local","","A",,1,,,,,,,,,,,,,,,,,,
"""


def parse(text: str, filename: str = "list.csv") -> PlaylistFile:
    """Parse UTF-8 text."""
    return parse_playlist(text.encode(), filename, ImportSettings())


@pytest.mark.parametrize("text", [WATSONBOX, PAVELKOMAROV], ids=["watsonbox", "pavelkomarov"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_exportify(text: str, bom: str) -> None:
    playlist = parse(bom + text, "my_list.csv")
    assert (playlist.name, playlist.format, playlist.rejects) == ("my_list", "exportify-csv", [])
    row = playlist.rows[0]
    assert (row.artist, row.title, row.album) == ("Tyler, The Creator;Kali Uchis", "See You Again", "Flower Boy")
    assert (row.spotify_id, row.duration_ms, row.release_year) == ("7KA4W4McWYRpgf0fWsJZWB", 180387, 2017)
    assert (row.explicit, row.popularity, row.genres) == (True, 80, ("hip hop", "rap"))
    assert len(row.features) == (9 if text is PAVELKOMAROV else 0)
    assert row.track_number == (4 if text is WATSONBOX else None)


def test_blank_feature_columns_give_no_features() -> None:
    assert parse(PAVELKOMAROV).rows[1].features == {}
