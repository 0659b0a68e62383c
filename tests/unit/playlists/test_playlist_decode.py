"""Encodings, and files that are no text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from services.playlists.decode import decode

KOREAN = "아티스트,제목\n아이유,좋은 날\n방탄소년단,봄날\n"
WESTERN = "artist,title\nDie Ärzte,Schrei nach Liebe\nBeyoncé,Déjà Vu\n"


@pytest.mark.parametrize("text", [KOREAN, "artist,title\n아이유,좋은 날\n"])
@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp949", "cp949"),
    ],
)
def test_korean(text: str, codec: str, encoding: str) -> None:
    decoded = decode(text.encode(codec), "list.csv")
    assert (decoded.text, decoded.encoding) == (text, encoding)


@pytest.mark.parametrize("codec", ["latin-1", "cp1252"])
def test_western(codec: str) -> None:
    decoded = decode(WESTERN.encode(codec), "list.csv")
    assert (decoded.text, decoded.encoding) == (WESTERN, "cp1252")


def test_an_umlaut_before_a_letter_is_not_korean() -> None:
    # "Är" in Latin-1 is a valid, but unused, syllable in CP949.
    text = "artist,title\nDie Ärzte,Ärger\n"
    assert decode(text.encode("latin-1"), "list.csv").text == text


def test_damaged_utf8_stays_utf8() -> None:
    decoded = decode(KOREAN.encode() + b"A,\xff\n", "list.csv")
    assert decoded.encoding == "utf-8"
    assert decoded.text == KOREAN + "A,\udcff\n"


@given(st.lists(st.sampled_from("가나다라마바사아자차카타파하"), min_size=4, max_size=40).map("".join))
def test_cp949_round_trip(name: str) -> None:
    # Some syllables alone ("카") are valid UTF-8 as well, which then rightly wins; no real list is made of them.
    text = f"아이유,좋은 날\n{name[:4]},{name}\n"
    assert decode(text.encode("cp949"), "list.csv").text == text


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files(data: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        decode(data, "list.csv")
    assert caught.value.code == "file-empty"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"PAR1data", "Parquet"),
        (b"ID3\x04", "MP3"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b'\n<?xml version="1.0"?>', "web page"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x00" * 500, "binary"),
    ],
)
def test_other_files(data: bytes, what: str) -> None:
    with pytest.raises(PermanentError, match=what) as caught:
        decode(data, "list.csv")
    assert caught.value.code == "file-not-a-playlist"
    assert "list.csv" in caught.value.message


def test_a_single_nul_is_left_to_its_row() -> None:
    assert decode(b"artist,title\nA,b\x00c\n", "list.csv").text == "artist,title\nA,b\x00c\n"
