"""The blend's names: one spelling, the credits in a text, keys."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.predictors.blend.names import MAX_CREDITS, MAX_LENGTH, credits, find, key, plain

LONG = 100_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Björk", "bjork"),
        ("  Sigur   Rós\t", "sigur ros"),
        ("BEYONCÉ", "beyonce"),
        ("İstanbul", "istanbul"),
        ("ｆｕｌｌ width", "full width"),
        ("a\x00b", "a\x00b"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_one_spelling(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_korean_is_kept_and_spelled_one_way() -> None:
    composed = "아이유"
    assert plain(composed)
    assert plain(composed) == plain(unicodedata.normalize("NFD", composed))
    assert plain(composed) != plain("볼빨간사춘기")


def test_long_texts_are_cut() -> None:
    assert plain("x" * LONG) == "x" * MAX_LENGTH
    # One such character becomes eighteen.
    assert len(plain("\ufdfa" * LONG)) <= MAX_LENGTH


@pytest.mark.parametrize("text", ["ℌello", "Foo™", "№ 5", "𝐇𝐢"])
def test_capitals_that_only_appear_in_the_plain_spelling_are_lowered(text: str) -> None:
    assert plain(text) == plain(text).lower()


@given(st.text(max_size=60))
def test_accents_and_outer_spaces_never_survive(text: str) -> None:
    spelled = plain(text)
    assert not any(unicodedata.combining(char) for char in spelled)
    assert spelled == spelled.strip()
    assert "  " not in spelled


@pytest.mark.parametrize(
    ("artist", "title", "expected"),
    [
        ("Drake;Rihanna", "", ("drake", "rihanna")),
        ("Simon & Garfunkel", "", ("simon & garfunkel", "simon", "garfunkel")),
        ("Drake feat. Rihanna", "", ("drake", "rihanna")),
        ("Drake (feat. Rihanna)", "", ("drake", "rihanna")),
        ("Drake ft Rihanna", "", ("drake", "rihanna")),
        ("Drake Featuring Rihanna & Future", "", ("drake", "rihanna", "future")),
        ("Ann, Bob and Cat", "", ("ann, bob and cat", "ann", "bob", "cat")),
        ("Ann x Bob", "", ("ann x bob", "ann", "bob")),
        ("Ann vs. Bob", "", ("ann vs. bob", "ann", "bob")),
        ("Ann + Bob", "", ("ann + bob", "ann", "bob")),
        ("Ann;Bob & Cat", "", ("ann", "bob & cat", "bob", "cat")),
        ("Ann", "Song (feat. Bob)", ("ann", "bob")),
        ("Ann", "Song [with Cat]", ("ann", "cat")),
        ("Ann", "Song (ft. Bob & Cat) - Live", ("ann", "bob", "cat")),
        ("Ann", "Song feat. Bob", ("ann", "bob")),
        ("Drake;Rihanna", "Song (feat. Rihanna)", ("drake", "rihanna")),
        ("Björk", "", ("bjork",)),
    ],
)
def test_credits(artist: str, title: str, expected: tuple[str, ...]) -> None:
    assert credits(artist, title) == expected


@pytest.mark.parametrize("artist", ["Alexandra", "Max Andrews", "The xx", "Daft Punk", "Sandman", "Craft", "Withered"])
def test_joining_words_inside_words_join_nothing(artist: str) -> None:
    assert credits(artist, "Dancing with Myself") == (artist.lower(),)


@pytest.mark.parametrize("title", ["", "Feat", "A (Live)", "Stay with Me", "With You", "Defeat", "Shift (Left)"])
def test_titles_without_guests_add_nobody(title: str) -> None:
    assert credits("Ann", title) == ("ann",)


def test_an_artist_of_nothing_but_a_guest_word_keeps_a_name() -> None:
    assert credits("Feat. Bob", "")[0] == "feat. bob"
    assert credits("ft.", "") == ("ft.",)


def test_no_artist_is_one_empty_name() -> None:
    assert credits("", "") == ("",)
    assert credits("", "Song (feat. Bob)") == ("", "bob")


def test_artists_of_one_letter_are_credited() -> None:
    assert credits("Drake;X", "") == ("drake", "x")


def test_the_credits_are_limited() -> None:
    names = [f"artist {number}" for number in range(100)]
    assert credits(";".join(names), "") == tuple(names[:MAX_CREDITS])
    # The leading artist comes first even if "with" splits it into many.
    assert credits(" with ".join(["ab"] * LONG), "")[0].startswith("ab with ab")


@given(st.text(max_size=80), st.text(max_size=80))
def test_there_is_always_a_leading_artist_and_no_name_twice(artist: str, title: str) -> None:
    names = credits(artist, title)
    assert 1 <= len(names) <= MAX_CREDITS
    assert len(set(names)) == len(names)
    assert all(names[1:])


def test_keys_are_stable_and_tell_names_apart() -> None:
    # blake2b-64, big-endian: must never change, since artifacts hold keys.
    assert key("") == 0xE4A6A0577479B2B4
    assert key("drake") != key("drake ")
    assert 0 <= key("\ud800") < 1 << 64
    assert len({key(str(number)) for number in range(10_000)}) == 10_000


def test_find_among_sorted_keys() -> None:
    table = np.array([3, 5, 2**64 - 1], dtype=np.uint64)
    wanted = np.array([5, 0, 3, 4, 2**64 - 1, 2**63], dtype=np.uint64)
    assert find(table, wanted).tolist() == [1, -1, 0, -1, 2, -1]


def test_find_among_or_for_nothing() -> None:
    nothing, something = np.array([], dtype=np.uint64), np.array([7], dtype=np.uint64)
    assert find(nothing, something).tolist() == [-1]
    assert find(something, nothing).tolist() == []
    assert find(nothing, nothing).tolist() == []


@given(st.sets(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_find_agrees_with_a_search_one_by_one(keys: set[int], others: list[int]) -> None:
    table = sorted(keys)
    wanted = others + table
    expected = [table.index(each) if each in keys else -1 for each in wanted]
    assert find(np.array(table, dtype=np.uint64), np.array(wanted, dtype=np.uint64)).tolist() == expected
