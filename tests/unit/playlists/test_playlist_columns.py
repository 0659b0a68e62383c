"""Recognizing columns."""

from services.playlists.columns import FIELD_NAMES, is_exportify, match_columns, plain_name


def test_headers_differ_in_case_space_and_punctuation_only() -> None:
    assert {plain_name(name) for name in ("Artist Name(s)", "artist_names", " ARTIST NAMES ")} == {"artistnames"}


def test_the_best_name_wins_wherever_it_stands() -> None:
    assert match_columns(["Album Artist Name(s)", "Artist Name(s)", "Track", "Title"]) == {"artist": 1, "title": 3}


def test_the_first_of_equal_headers_wins() -> None:
    assert match_columns(["title", "artist", "title"]) == {"title": 0, "artist": 1}


def test_unknown_columns_are_left_out() -> None:
    assert match_columns(["Record Label", "Added By", ""]) == {}


def test_no_name_means_two_fields() -> None:
    names = [name for names in FIELD_NAMES.values() for name in names]
    assert len(names) == len(set(names))
    assert all(plain_name(name) == name for name in names)


def test_exportify_is_recognized() -> None:
    assert is_exportify(["Track URI", "Track Name", "Artist Name(s)"])
    assert is_exportify(["Spotify ID", "Artist IDs", "Track Name", "Artist Name(s)"])
    assert not is_exportify(["artist", "title"])
