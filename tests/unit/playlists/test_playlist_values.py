"""Optional cells."""

import pytest

from core.features import FEATURES, Feature
from services.playlists import values
from services.playlists.rejects import RowError

BLANKS = ["", " ", "-", "null", "None", "NaN", "n/a", "undefined"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"duration_ms": "206267"}, 206267),
        ({"duration_ms": "206267.4"}, 206267),
        ({"duration_ms": "0"}, None),
        ({"duration_s": "215"}, 215_000),
        ({"duration": "3:45"}, 225_000),
        ({"duration": "1:02:03"}, 3_723_000),
        ({"duration": "03:45.5"}, 225_000),
        ({"duration": "215"}, 215_000),
        ({"duration": "215000"}, 215_000),
        ({"duration": "0:00"}, None),
    ],
)
def test_durations(fields: dict[str, str], expected: int | None) -> None:
    assert values.duration_ms(fields) == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"duration_ms": "-1"}, "out-of-range"),
        ({"duration_ms": "1e12"}, "out-of-range"),
        ({"duration_ms": "inf"}, "out-of-range"),
        ({"duration_ms": "3:45"}, "bad-number"),
        ({"duration": "3:4x"}, "bad-number"),
        ({"duration": "-3:45"}, "bad-number"),
        ({"duration_s": "abc"}, "bad-number"),
    ],
)
def test_bad_durations(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(RowError) as caught:
        values.duration_ms(fields)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2017-07-21", 2017),
        ("1986", 1986),
        ("1976-08", 1976),
        ("21/07/2017", 2017),
        ("20170721", 2017),
        ("2017.0", 2017),
        ("1980-01-01T00:00:00Z", 1980),
        ("0000", None),
        ("0000-00-00", None),
        ("0", None),
    ],
)
def test_years(text: str, year: int | None) -> None:
    assert values.release_year(text) == year


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1859", "out-of-range"), ("2101-01-01", "out-of-range"), ("last year", "bad-number"), ("99", "bad-number")],
)
def test_bad_years(text: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        values.release_year(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks(blank: str) -> None:
    assert values.duration_ms({"duration_ms": blank, "duration": blank}) is None
    assert values.release_year(blank) is None
    assert values.popularity(blank) is None
    assert values.track_number(blank) is None
    assert values.album_total_tracks({"album_total_tracks": blank, "track_number": blank}) is None
    assert values.flag("explicit", blank) is None
    assert values.features({"energy": blank}) == {}


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("YES", True), ("1", True), ("False", False), ("no", False), ("0", False)]
)
def test_flags(text: str, expected: bool) -> None:
    assert values.flag("explicit", text) is expected


def test_bad_flags() -> None:
    with pytest.raises(RowError, match="maybe"):
        values.flag("explicit", "maybe")


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("100", 100), ("57.0", 57)])
def test_popularity(text: str, expected: int) -> None:
    assert values.popularity(text) == expected


@pytest.mark.parametrize(("text", "reason"), [("101", "out-of-range"), ("-1", "out-of-range"), ("5.5", "bad-number")])
def test_bad_popularity(text: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        values.popularity(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "number"), [("4", 4), ("4.0", 4), ("04", 4), ("4/12", 4), ("1000", 1000), ("0", None), ("", None)]
)
def test_track_numbers(text: str, number: int | None) -> None:
    assert values.track_number(text) == number


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({}, None),
        ({"album_total_tracks": "12"}, 12),
        ({"album_total_tracks": "0"}, None),
        ({"track_number": "4"}, None),
        ({"track_number": "4/12"}, 12),
        ({"track_number": "4/12", "album_total_tracks": "14"}, 14),
        ({"track_number": "4/12", "album_total_tracks": ""}, 12),
    ],
)
def test_totals_of_albums(fields: dict[str, str], total: int | None) -> None:
    assert values.album_total_tracks(fields) == total


@pytest.mark.parametrize(
    ("text", "reason"), [("-1", "out-of-range"), ("1001", "out-of-range"), ("1.5", "bad-number"), ("A1", "bad-number")]
)
def test_bad_track_numbers(text: str, reason: str) -> None:
    for read in (values.track_number, lambda text: values.album_total_tracks({"album_total_tracks": text})):
        with pytest.raises(RowError) as caught:
            read(text)
        assert caught.value.reason == reason


def test_genres_and_moods() -> None:
    assert values.names("Pop, Dance  Pop;pop|K-Pop,,") == ("pop", "dance pop", "k-pop")
    assert values.names("") == ()


def test_features_are_read_in_their_units() -> None:
    assert values.features({"energy": "0.5", "loudness": "-5,25", "tempo": "120"}) == {
        "energy": 0.5,
        "tempo": 120.0,
        "loudness": -5.25,
    }


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_features_stay_inside_their_ranges(feature: Feature) -> None:
    assert values.features({feature.name: str(feature.high)}) == {feature.name: feature.high}
    for outside in (feature.low - 1, feature.high + 1):
        with pytest.raises(RowError, match=feature.name) as caught:
            values.features({feature.name: str(outside)})
        assert caught.value.reason == "out-of-range"


def test_no_analysis_counts_as_absent() -> None:
    assert values.features({feature.name: "0" for feature in FEATURES}) == {}
    assert values.features({"tempo": "0", "energy": "0.2"}) == {"energy": 0.2}
    assert values.features({"instrumentalness": "0"}) == {"instrumentalness": 0.0}


def test_features_that_are_no_numbers() -> None:
    with pytest.raises(RowError, match=r"The energy 'x+…' is not a number") as caught:
        values.features({"energy": "x" * 100_000})
    assert len(caught.value.detail) < 150
