"""The identity of tracks: ids, ISRCs and the artist|title key."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identity import MAX_KEY_LENGTH, isrc, normalized_key, spotify_id

TRACK_ID = "4ZJn7NlmOTaSxjoHynRquQ"


@pytest.mark.parametrize(
    "title",
    [
        "Song",
        "SONG",
        "  Song ",
        "Song!",
        "Song (feat. Somebody Else)",
        "Song [feat. A, B & C]",
        "Song (ft. Somebody)",
        "Song (Featuring Somebody)",
        "Song feat. Somebody",
        "Song ft Somebody Else",
        "Song featuring Somebody",
        "Song (with Halsey & Khalid)",
        "Song [With Future]",
        "Song - Remastered",
        "Song - Remastered 2009",
        "Song - 2005 Remaster",
        "Song - 2015 Remastered Version",
        "Song - 1999 Digital Remaster",
        "Song - Digitally Remastered",
        "Song – Remastered 2009",
        "Song (Remastered)",
        "Song [2011 Remaster]",
        "Song - Remasterizado",
        "Song - Remasterisé en 2018",
        "Song - Versão Remasterizada",
        "Song (Radio Edit)",
        "Song - Radio Edit",
        "Song - 2004 Radio Edit",
        "Song - Single Version",
        "Song - Album Version",
        "Song - Mono",
        "Song - Stereo",
        "Song - Mono / 2009 Remaster",
        "Song (feat. Somebody) - Remastered 2009",
    ],
)
def test_spellings_of_one_recording_meet(title: str) -> None:
    assert normalized_key("Artist", title) == "artist|song"


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Song - Live", "song live"),
        ("Song (Live)", "song live"),
        ("Song - Live - Remastered 2009", "song live"),
        ("Song (Somebody Remix)", "song somebody remix"),
        ("Song (feat. Guest) - Remix", "song remix"),
        ("Song feat. Guest (Acoustic)", "song acoustic"),
        ("Song - Acoustic", "song acoustic"),
        ("Song - Instrumental", "song instrumental"),
        ("Song (Karaoke Version)", "song karaoke version"),
        ("Song - Sped Up", "song sped up"),
        ("Song - Demo", "song demo"),
        ("Song - Edit", "song edit"),
        ("Song (1999)", "song 1999"),
        ("I Wanna Dance with Somebody (Who Loves Me)", "i wanna dance with somebody who loves me"),
        ("Stay (With You)", "stay with you"),
        ("6 Ft. Under", "6 ft under"),
        ("No Small Feat", "no small feat"),
    ],
)
def test_other_recordings_and_title_words_stay(title: str, key: str) -> None:
    assert normalized_key("Artist", title) == f"artist|{key}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Beyoncé", "Déjà Vu"), ("Beyonce", "Deja Vu")),
        (("Motörhead", "Ace of Spades"), ("MOTORHEAD", "ace of spades")),
        (("Sigur Rós", "Sæglópur"), ("Sigur Ros", "Saeglopur")),
        (("Die Ärzte", "Schöne Grüße"), ("die arzte", "SCHONE GRUSSE")),
        (("Simple Minds", "Alive & Kicking"), ("Simple Minds", "Alive and Kicking")),
        (("Florence + The Machine", "Dog Days"), ("Florence & the Machine", "Dog Days")),
        (("U2", "You’re The Best"), ("U2", "You're the Best")),
        (("X", "Don´t Stop"), ("X", "Dont Stop")),
        (("Hans Zimmer", "S.T.A.Y."), ("Hans Zimmer", "Stay")),
        (("A$AP Rocky", "Praise"), ("ASAP Rocky", "Praise")),
        (("A;B", "Song"), ("A", "Song")),
        (("A feat. B", "Song"), ("A", "Song")),
        (("A (feat. B)", "Song"), ("A", "Song")),
        (("ＡＢＣ", "１２３"), ("abc", "123")),
        (("Foo™", "Bar"), ("Foo", "Bar")),
    ],
)
def test_spellings_meet(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert normalized_key(*one) == normalized_key(*other)


@pytest.mark.parametrize(
    "name",
    ["아이유", "방탄소년단", "ガギグゲゴ", "パーティー", "奏", "Ёлка", "й", "हिन्दी", "ไทย", "Ελλάδα", "עברית", "北京"],
)
def test_other_scripts_stay_whole(name: str) -> None:
    assert normalized_key(name, name) == f"{name.casefold()}|{name.casefold()}"


def test_scripts_keep_their_distinctions() -> None:
    names = [
        "か",
        "が",
        "は",
        "ば",
        "ぱ",
        "и",
        "й",
        "е",
        "ё",
        "가",
        "까",
        "나",
        "★",
        "÷",
        "+",
        "×",
        "!!!",
        "???",
        "…",
        "-",
    ]
    assert len({normalized_key("artist", name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["아이유 좋은 날", "がぎぐ", "Beyoncé", "й", "ά"])
def test_unicode_forms_meet(name: str) -> None:
    keys = {normalized_key(unicodedata.normalize(form, name), name) for form in ("NFC", "NFD")}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "title", ["!!!", "???", "+", "÷", "(Remastered)", "- Remastered", "(feat. X)", "♥", "...", "'"]
)
def test_titles_of_decoration_alone_keep_a_key(title: str) -> None:
    artist, _, rest = normalized_key("!!!", title).partition("|")
    assert artist == "!!!"
    assert rest


def test_long_keys_are_bounded_and_distinct() -> None:
    one, other = (normalized_key("가" * 1000, "나" * 1000 + end) for end in "xy")
    assert one != other
    assert max(len(one), len(other)) <= MAX_KEY_LENGTH
    assert len(one.encode()) < 2700


@given(st.text(), st.text())
def test_any_text_has_a_key(artist: str, title: str) -> None:
    key = normalized_key(artist, title)
    assert key == normalized_key(artist, title)
    left, _, right = key.partition("|")
    assert bool(left) >= bool(artist.replace(";", "").strip())
    assert right or not title.strip()


words = st.lists(st.text(st.characters(codec="latin-1", categories=["Lu", "Ll"]), min_size=1), min_size=1, max_size=4)


@given(words, words)
def test_keys_of_plain_words_are_stable_and_ignore_case(artist: list[str], title: list[str]) -> None:
    key = normalized_key(" ".join(artist), " ".join(title))
    assert normalized_key(" ".join(artist).lower(), " ".join(title).lower()) == key
    if "feat" not in key and "ft" not in key:
        assert normalized_key(*key.split("|")) == key


@pytest.mark.parametrize(
    "value",
    [
        TRACK_ID,
        f" {TRACK_ID} ",
        f"spotify:track:{TRACK_ID}",
        f"https://open.spotify.com/track/{TRACK_ID}",
        f"https://open.spotify.com/track/{TRACK_ID}?si=0123456789abcdef",
        f"https://open.spotify.com/intl-de/track/{TRACK_ID}",
        f"http://open.spotify.com/embed/track/{TRACK_ID}",
        f"open.spotify.com/track/{TRACK_ID}/",
    ],
)
def test_spotify_ids(value: str) -> None:
    assert spotify_id(value) == TRACK_ID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "17",
        TRACK_ID[:-1],
        TRACK_ID + "x",
        TRACK_ID[:-1] + "-",
        f"spotify:album:{TRACK_ID}",
        f"https://example.org/track/{TRACK_ID}",
        "spotify:local:Artist:Album:Title:215",
    ],
)
def test_not_spotify_ids(value: str) -> None:
    assert spotify_id(value) is None


@pytest.mark.parametrize("value", ["USRC17607839", "us-rc1-76-07839", " US RC1 76 07839 "])
def test_isrcs(value: str) -> None:
    assert isrc(value) == "USRC17607839"


@pytest.mark.parametrize("value", ["", "USRC1760783", "USRC176078390", "12RC17607839", "US-RC1-76-0783X"])
def test_not_isrcs(value: str) -> None:
    assert isrc(value) is None
