"""Content as vectors: which terms texts have, and an exact search."""

import unicodedata

import numpy as np
import pytest
from content_library import made_up_catalog, text_catalog
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from models.recommenders.content_space import build_content_space
from models.recommenders.content_terms import name_terms, word_terms


def by_brute_force(space, position):
    """Cosines of all items with one, in double precision, by dense algebra."""
    rows = space.rows.toarray().astype(np.float64)
    norms = space.norms.astype(np.float64)
    products = norms * norms[position]
    return (rows @ rows[position] / np.where(products > 0, products, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Beatles", ["w:the", "w:beatles"]),
        ("AC/DC ac", ["w:ac", "w:dc"]),
        ("밤편지", ["w:밤편", "w:편지"]),
        ("봄 봄날", ["w:봄", "w:봄날"]),
        ("夜に駆ける", ["w:夜に", "w:に駆", "w:駆け", "w:ける"]),
        ("IU아이유2", ["w:iu", "w:아이", "w:이유"]),
        ("P!nk", ["w:nk"]),
        ("ＢＴＳ", ["w:bts"]),
        ("", []),
    ],
)
def test_words_of_any_script(text, terms):
    assert word_terms("w", text) == terms
    assert word_terms("w", unicodedata.normalize("NFD", text)) == terms


def test_a_name_is_one_term():
    assert name_terms("album", "  The  WALL ") == ["album:the wall"]
    assert name_terms("album", " ") == []


def test_each_credited_artist_is_a_term_and_equal_genres_of_another_case_are_one():
    space = build_content_space(text_catalog([("A One;B Two", "x", None, ["Rock", "rock"]), ("B Two", "y", None, [])]))
    assert {"artist:a one", "artist:b two", "genre:rock"} <= set(space.terms)
    assert "artist:a one;b two" not in space.columns
    assert len(set(space.terms)) == len(space.terms)
    assert space.shared_terms(0, 1, 9)[0] == "artist:b two"


def test_terms_mean_the_same_in_a_library_that_grew():
    rows = [(f"band {at % 7}", f"song {at}", "album", ["rock"]) for at in range(40)]
    small = build_content_space(text_catalog(rows))
    large = build_content_space(text_catalog([("new", "first", None, ["jazz"]), *rows]))
    assert set(small.terms) < set(large.terms)
    assert [large.terms[column] for column in large.find(small.terms)] == small.terms
    assert_array_equal(small.find(["genre:jazz", "genre:rock"]), [-1, small.columns["genre:rock"]])


def test_a_rare_term_weighs_more_than_a_common_one():
    space = build_content_space(text_catalog([("a", "rare common", None, []), *[("b", "common", None, [])] * 98]))
    row = space.rows[[0]].toarray()[0]
    assert row[space.columns["title:rare"]] > row[space.columns["title:common"]] > 0


def test_four_words_say_more_than_one_but_not_twice_as_much():
    space = build_content_space(text_catalog([("", "one", None, []), ("", "two three four five", None, [])]))
    assert_allclose(space.norms[1] / space.norms[0], np.sqrt(2), rtol=1e-5)


def test_an_item_of_which_nothing_is_known_resembles_nothing():
    space = build_content_space(text_catalog([("", "", None, []), ("", "", None, []), ("a", "b", None, [])]))
    assert_array_equal(space.norms[:2], 0)
    for position in range(3):
        assert len(space.similar(position, 10)) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_a_library_of_almost_nothing(n):
    space = build_content_space(made_up_catalog(n))
    assert len(space) == n
    if n:
        assert len(space.similar(0, 10)) == 0


words = st.lists(st.sampled_from(["aa", "bb", "cc", "밤편지", "夜"]), max_size=3).map(" ".join)
tracks = st.tuples(words, words, st.none() | words, st.lists(st.sampled_from(["pop", "rock", "k-pop"]), max_size=2))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(tracks, min_size=1, max_size=25), limit=st.integers(1, 30), data=st.data())
def test_the_search_equals_brute_force(rows, limit, data):
    space = build_content_space(text_catalog(rows))
    position = data.draw(st.integers(0, len(rows) - 1))
    cosines = by_brute_force(space, position)
    cosines[position] = 0
    found = space.similar(position, limit)
    assert position not in found.positions
    assert len(found) == min(limit, np.count_nonzero(cosines > 0))
    assert_allclose(found.scores, cosines[found.positions], rtol=1e-6)
    assert_allclose(found.scores, np.sort(cosines)[::-1][: len(found)], rtol=1e-6)
    order = np.lexsort((found.positions, -found.scores))
    assert_array_equal(order, np.arange(len(found)))


def test_ties_go_to_the_lower_position_also_at_the_limit():
    space = build_content_space(text_catalog([("a", "x", None, ["pop"])] * 30))
    found = space.similar(4, 10)
    assert_array_equal(found.positions, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
    assert_allclose(found.scores, 1, rtol=1e-6)


def test_no_cosine_of_a_library_is_above_one_and_it_is_the_same_both_ways():
    space = build_content_space(made_up_catalog(300))
    for position in (0, 17, 299):
        for other, score in zip(*_columns(space.similar(position, 5)), strict=True):
            back = space.similar(other, len(space))
            assert_allclose(back.scores[np.flatnonzero(back.positions == position)], score, rtol=1e-6)
            assert score <= 1 + 1e-6


def _columns(found):
    return found.positions.tolist(), found.scores.tolist()
