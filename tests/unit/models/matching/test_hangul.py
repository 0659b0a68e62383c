"""The Revised Romanization, against examples of its official text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.matching.hangul import has_hangul, romanize


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("구미", "gumi"),
        ("호법", "hobeop"),
        ("옥천", "okcheon"),
        ("벚꽃", "beotkkot"),
        ("한밭", "hanbat"),
        ("설악", "seorak"),
        ("임실", "imsil"),
        ("대관령", "daegwallyeong"),
        ("백마", "baengma"),
        ("종로", "jongno"),
        ("왕십리", "wangsimni"),
        ("별내", "byeollae"),
        ("신라", "silla"),
        ("좋고", "joko"),
        ("독립문", "dongnimmun"),
        ("압구정", "apgujeong"),
        ("아이유", "aiyu"),
        ("방탄소년단", "bangtansonyeondan"),
        ("좋은 날", "joeun nal"),
    ],
)
def test_official_examples(hangul: str, latin: str) -> None:
    assert romanize(hangul) == latin


def test_what_is_no_hangul_stays() -> None:
    assert romanize("IU - 밤 (Night) 2") == "IU - bam (Night) 2"


@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1))
def test_every_syllable_becomes_latin(text: str) -> None:
    assert has_hangul(text)
    assert romanize(text).isascii()
