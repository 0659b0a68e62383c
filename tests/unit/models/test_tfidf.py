"""The TF-IDF of M1 equals scikit-learn's."""

import unicodedata

import numpy as np
from numpy.testing import assert_allclose
from sklearn.feature_extraction.text import TfidfVectorizer

from models.tfidf import TfidfEncoder, entries, fit_tfidf, normalize_text, words

NAMES = [
    "The Beatles",
    "Tyler, The Creator;Rex Orange County",
    "아이유 (IU);슈가 of 방탄소년단",
    "볼빨간사춘기",
    "새소년 The Band",
    "BEYONCÉ",
    "Sigur Rós; The Beatles The Beatles",
    "AC/DC",
    "P!nk",
    "宇多田ヒカル",
    "Мумий Тролль",
    "a",
    "",
    "blink-182 the remix",
]


def dense(encoder: TfidfEncoder, texts: list[str]) -> np.ndarray:
    matrix = np.zeros((len(texts), len(encoder)))
    for row, text in enumerate(texts):
        entries = encoder.encode(text)
        matrix[row, entries.columns] = entries.weights
    return matrix


def test_equals_scikit_learn_with_every_word() -> None:
    ours = fit_tfidf(NAMES, max_terms=1_000)
    theirs = TfidfVectorizer(preprocessor=normalize_text)
    expected = theirs.fit_transform(NAMES).toarray()
    assert list(theirs.get_feature_names_out()) == list(ours.terms)
    assert_allclose(dense(ours, NAMES), expected, atol=1e-6)


def test_equals_scikit_learn_over_a_cut_vocabulary() -> None:
    ours = fit_tfidf(NAMES, max_terms=5)
    theirs = TfidfVectorizer(preprocessor=normalize_text, vocabulary=ours.terms)
    expected = theirs.fit_transform(NAMES).toarray()
    unseen = ["The Unseen Beatles", "방탄소년단"]
    assert_allclose(dense(ours, NAMES + unseen), np.vstack([expected, theirs.transform(unseen).toarray()]), atol=1e-6)


def test_the_most_frequent_words_stay_and_ties_go_to_the_first_of_the_alphabet() -> None:
    encoder = fit_tfidf(["cc bb", "cc aa", "cc dd"], max_terms=3)
    assert encoder.terms == ("aa", "bb", "cc")


def test_full_width_and_decomposed_letters_are_the_same_word() -> None:
    assert words("ＢＴＳ") == ["bts"]
    assert words(unicodedata.normalize("NFD", "아이유 Beyoncé")) == ["아이유", "beyoncé"]


def test_a_text_of_unknown_words_is_an_empty_row() -> None:
    entries = fit_tfidf(NAMES, max_terms=5).encode("Nobody Knows")
    assert entries.columns.size == entries.weights.size == 0


def test_an_empty_vocabulary_gives_empty_rows() -> None:
    assert fit_tfidf([], max_terms=5).encode("The Beatles").columns.size == 0


def test_entries_are_those_of_the_rows_in_order() -> None:
    encoder = TfidfEncoder(["blue", "iron"], np.array([1.0, 2.0]))
    rows, columns, weights = entries([encoder.encode(text) for text in ("iron blue", "", "blue")], first_column=10)
    assert (rows.tolist(), columns.tolist()) == ([0, 0, 2], [10, 11, 10])
    assert_allclose(weights, [1 / 5**0.5, 2 / 5**0.5, 1], rtol=1e-6)
    assert [part.size for part in entries([])] == [0, 0, 0]
