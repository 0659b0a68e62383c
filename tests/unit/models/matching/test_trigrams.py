"""Trigram similarity as pg_trgm defines it, and the index that searches by it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.matching.trigrams import TrigramIndex, similarity, trigrams, words_of


def test_the_example_of_the_manual() -> None:
    assert trigrams("cat") == {"  c", " ca", "cat", "at "}
    assert trigrams("foo|bar") == {"  f", " fo", "foo", "oo ", "  b", " ba", "bar", "ar "}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # What `SELECT similarity(one, other)` answers.
        ("word", "two words", 4 / 11),
        ("cat", "cat", 1.0),
        ("Cat!", "cAT", 1.0),
        ("cat dog", "dog cat", 1.0),
        ("", "cat", 0.0),
        ("!!!", "!!!", 0.0),
        ("아이유", "아이유", 1.0),
    ],
)
def test_similarity(one: str, other: str, expected: float) -> None:
    assert similarity(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 1.0])
def test_the_index_finds_what_comparing_each_finds(threshold: float) -> None:
    rng = random.Random(7)
    texts = ["".join(rng.choices("abcde 가나", k=rng.randint(0, 12))) for _ in range(400)]
    queries = [*texts[:40], "", "zzz", "abc zzz"]
    found = TrigramIndex(texts).search(queries, [threshold] * len(queries))
    for query, positions in zip(queries, found, strict=True):
        near = [number for number, text in enumerate(texts) if similarity(query, text) >= threshold - 1e-9]
        assert positions.tolist() == near


def test_each_query_has_its_own_threshold() -> None:
    wide, narrow = TrigramIndex(["abc", "abd"]).search(["abc", "abc"], [0.2, 0.9])
    assert (wide.tolist(), narrow.tolist()) == ([0, 1], [0])


def test_an_empty_index_finds_nothing() -> None:
    assert TrigramIndex([]).search(["abc"], [0.1])[0].tolist() == []


@given(st.text(), st.text())
def test_any_two_texts_have_a_similarity(one: str, other: str) -> None:
    assert 0.0 <= similarity(one, other) == similarity(other, one) <= 1.0


@given(st.text())
def test_words_hold_letters_digits_and_single_spaces(text: str) -> None:
    words = words_of(text)
    assert words == " ".join(words.split())
    assert all(char.isalnum() or char == " " for char in words)
