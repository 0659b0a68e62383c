"""The entry point: whole files."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import PermanentError
from core.identity import normalized_key
from core.settings import ImportSettings
from services.playlists.reader import NoUsableRowsError, PlaylistFile, parse_playlist, read_playlist, rows_from_objects
from services.playlists.rejects import MAX_TEXT, REASONS

SETTINGS = ImportSettings()
DEMO = Path(__file__).resolve().parents[3] / "cli" / "demo_playlist.csv"


def parse(text: str, filename: str = "list.csv") -> PlaylistFile:
    """Parse UTF-8 text."""
    return parse_playlist(text.encode(), filename, SETTINGS)


def code(data: bytes, filename: str = "list.csv", settings: ImportSettings = SETTINGS) -> str:
    """The error code of an unusable file."""
    with pytest.raises(PermanentError) as caught:
        parse_playlist(data, filename, settings)
    assert filename in caught.value.message
    return caught.value.code


def check_account(playlist: PlaylistFile) -> None:
    """Every row seen is kept or reported, every report is well formed, ids are unique."""
    assert len(playlist.rows) + len(playlist.rejects) == playlist.n_rows
    for reject in playlist.rejects:
        assert reject.reason in REASONS
        assert reject.line >= 1
        assert reject.text.isprintable()
        assert len(reject.text) <= MAX_TEXT
        assert len(reject.detail) <= 250
    ids = [row.spotify_id for row in playlist.rows if row.spotify_id]
    assert len(ids) == len(set(ids))
    for row in playlist.rows:
        assert (row.artist + row.title).encode()
        assert row.key == normalized_key(row.artist, row.title)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_korean_in_every_encoding(encoding: str, delimiter: str) -> None:
    text = "artist,title,album\r\n아이유,좋은 날,Real\r\n".replace(",", delimiter)
    playlist = parse_playlist(text.encode(encoding), "list.csv", SETTINGS)
    assert [(row.artist, row.title, row.album) for row in playlist.rows] == [("아이유", "좋은 날", "Real")]


def test_json_and_m3u() -> None:
    from_json = parse('{"name": "Mine", "tracks": [{"artist": "A", "title": "T"}, 3]}', "x.json")
    assert (from_json.name, from_json.format, len(from_json.rows)) == ("Mine", "json", 1)
    assert [(reject.line, reject.reason) for reject in from_json.rejects] == [(2, "not-an-object")]
    from_m3u = parse("#EXTM3U\n#PLAYLIST:Mine\nA - T.mp3\n", "x.m3u8")
    assert (from_m3u.name, from_m3u.format, len(from_m3u.rows)) == ("Mine", "m3u", 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [('[{"artist": "A", "title": "T"}]', "json"), ("#EXTINF:1,A - T\nx", "m3u"), ("title,artist\nT,A", "csv")],
)
def test_the_content_tells_the_format(text: str, kind: str) -> None:
    assert parse(text, "list.txt").format == kind


def test_bad_rows_are_reported_and_good_ones_kept() -> None:
    playlist = parse(
        "artist,title,year,popularity,energy\n"
        "Good,One,1999,5,0.5\n"
        ",No artist,,,\n"
        "No title,,,,\n"
        f"Long,{'x' * 100_000},,,\n"
        "Year,T,1500,,\n"
        "Popularity,T,,many,\n"
        "Energy,T,,,1.5\n"
        "Null,a\0b,,,\n"
        "Cells,T,,,,,more\n"
        'Quote,"T,,,\n'
        "GOOD,one (Remastered),,7,\n"
        "Good,Two,,,\n"
    )
    assert [row.title for row in playlist.rows] == ["One", "Two"]
    assert [(reject.line, reject.reason) for reject in playlist.rejects] == [
        (3, "blank-artist"),
        (4, "blank-title"),
        (5, "too-long"),
        (6, "out-of-range"),
        (7, "bad-number"),
        (8, "out-of-range"),
        (9, "nul-character"),
        (10, "too-many-cells"),
        (11, "broken-quote"),
        (12, "duplicate"),
    ]
    check_account(playlist)


def test_a_file_of_semicolon_artists_keeps_commas() -> None:
    playlist = parse('artist,title\n"Mestre Pedrinho, Grupo Tma",T\nA;B,U\n')
    assert [row.artist for row in playlist.rows] == ["Mestre Pedrinho, Grupo Tma", "A;B"]


@pytest.mark.parametrize(
    ("data", "filename", "expected"),
    [
        (b"", "x.csv", "file-empty"),
        (b"\x89PNG\r\n\x1a\n", "x.csv", "file-not-a-playlist"),
        (b"foo,bar\n1,2\n", "x.csv", "file-not-a-playlist"),
        (b"not json", "x.json", "file-not-a-playlist"),
        (b"artist,title\n", "x.csv", "no-usable-rows"),
        (b"artist,title\n,\n , \n", "x.csv", "no-usable-rows"),
        (b"artist,title\nA,\n", "x.csv", "no-usable-rows"),
        (b"[]", "x.json", "no-usable-rows"),
        (b"#EXTM3U\n", "x.m3u", "no-usable-rows"),
    ],
)
def test_unusable_files(data: bytes, filename: str, expected: str) -> None:
    assert code(data, filename) == expected


def test_rejects_survive_when_no_row_is_usable() -> None:
    with pytest.raises(NoUsableRowsError, match=r"all 2 rows were rejected \(2 blank-title\)") as caught:
        parse("artist,title\nA,\nB,\n")
    assert [reject.line for reject in caught.value.rejects] == [2, 3]


def test_limits() -> None:
    data = b"artist,title\nA,one\nB,two\n"
    assert code(data, settings=ImportSettings(max_bytes=10)) == "file-too-large"
    assert code(data, settings=ImportSettings(max_rows=1)) == "file-too-large"
    assert len(parse_playlist(data, "list.csv", ImportSettings(max_rows=2, max_bytes=len(data))).rows) == 2


def test_paths(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.csv", Path("/dev/null")):
        with pytest.raises(PermanentError) as caught:
            read_playlist(path, SETTINGS)
        assert caught.value.code == "file-not-found"
        assert str(path) in caught.value.message
    path = tmp_path / "Road trip.csv"
    path.write_bytes(b"artist,title\nA,T\n")
    assert read_playlist(path, SETTINGS).name == "Road trip"
    with pytest.raises(PermanentError) as caught:
        read_playlist(path, ImportSettings(max_bytes=3))
    assert caught.value.code == "file-too-large"


def test_duplicates_may_be_kept() -> None:
    playlist = parse_playlist(b"artist,title\nA,T\nA,T\n", "list.csv", SETTINGS, merge_duplicates=False)
    assert ([row.line for row in playlist.rows], playlist.rejects) == ([2, 3], [])


def test_objects() -> None:
    playlist = rows_from_objects([{"artist": "A", "title": "T"}, {"artist": "A"}], SETTINGS)
    assert (playlist.name, playlist.format, playlist.encoding, playlist.n_rows) == (None, "json", "utf-8", 2)
    assert [reject.reason for reject in playlist.rejects] == ["blank-title"]


def survives(data: bytes, filename: str) -> None:
    """Either rows with every row accounted for, or one clear error."""
    with suppress(PermanentError):
        check_account(parse_playlist(data, filename, SETTINGS))


filenames = st.sampled_from(["x.csv", "x.json", "x.m3u", "x", ""])


@given(st.binary(), filenames)
def test_random_bytes(data: bytes, filename: str) -> None:
    survives(data, filename)


@given(st.binary(), st.sampled_from([b"artist,title,year,energy\n", b"#EXTM3U\n", "가수,제목\n".encode("cp949")]))
@example(b'A,"', b"artist,title\n")
@example(b"A,T\r\r\n\0", b"artist,title\n")
def test_random_bytes_below_a_header(data: bytes, header: bytes) -> None:
    survives(header + data, "x")


@given(st.lists(st.lists(st.text(), max_size=6), max_size=6), st.sampled_from(",;\t"))
def test_random_cells(rows: list[list[str]], delimiter: str) -> None:
    lines = ["artist,title,duration,year,genres", *(",".join(row) for row in rows)]
    survives("\n".join(lines).replace(",", delimiter).encode("utf-8", "replace"), "x.csv")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["artist", "artists", "title", "album", "track", "energy", "duration", "genres", "external_ids"])


@given(st.lists(json_values | st.dictionaries(keys, json_values), max_size=4))
def test_random_objects(objects: list[object]) -> None:
    survives(json.dumps(objects).encode(), "x.json")
    with suppress(NoUsableRowsError):
        check_account(rows_from_objects(objects, SETTINGS))


def test_the_demo_playlist_is_clean() -> None:
    playlist = read_playlist(DEMO, SETTINGS)
    assert playlist.rejects == []
    assert 90 <= len(playlist.rows) <= 120
    assert all(row.album and row.release_year for row in playlist.rows)
    assert sum(any("가" <= char <= "힣" for char in row.artist + row.title) for row in playlist.rows) >= 12


def test_the_unseen_tracks(shared_data: Path) -> None:
    playlist = read_playlist(shared_data / "playlists" / "unseen_tracks.csv", SETTINGS)
    check_account(playlist)
    assert (playlist.format, playlist.n_rows, len(playlist.rows)) == ("exportify-csv", 5000, 4995)
    assert {reject.line for reject in playlist.rejects} == {1720, 3223, 3252, 3266, 3745}
    assert {reject.reason for reject in playlist.rejects} == {"duplicate"}
    artists = {row.artist for row in playlist.rows}
    assert {"Earth, Wind & Fire", "quickly, quickly", "Butch;Nic Fanciulli", "Tyler, The Creator"} - artists == {
        "Butch;Nic Fanciulli"
    }


@pytest.mark.parametrize(("name", "n_rows"), [("known_tracks.csv", 300), ("artist_title_only.csv", 60)])
def test_the_other_shared_playlists(shared_data: Path, name: str, n_rows: int) -> None:
    playlist = read_playlist(shared_data / "playlists" / name, SETTINGS)
    check_account(playlist)
    assert (len(playlist.rows), playlist.rejects) == (n_rows, [])
