"""The blend's tokens, and their TF-IDF against scikit-learn's."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from models.predictors.blend.tokens import (
    FEWEST_TRACKS,
    GROUPS,
    KINDS,
    MAX_TAGS,
    character_ngrams,
    distinct_words,
    tag_tokens,
    title_words,
)
from models.predictors.blend.vocabulary import SparseRows, Vocabulary

WORDS = ("night", "river", "blue", "song", "love")


def track(**kinds: list[str]) -> dict[str, list[str]]:
    return {kind: kinds.get(kind.replace(" ", "_"), []) for kind in KINDS}


def dense(rows: SparseRows, n_columns: int) -> np.ndarray:
    matrix = np.zeros((len(rows), n_columns), dtype=np.float32)
    owners = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
    np.add.at(matrix, (owners, rows.columns), rows.weights)
    return matrix


def sparse(matrix: np.ndarray) -> SparseRows:
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    return SparseRows(columns.astype(np.int32), matrix[rows, columns].astype(np.float32), starts.astype(np.int64))


def cells(vocabulary: Vocabulary, tracks: list[dict[str, list[str]]]) -> list[tuple[int, ...]]:
    return [vocabulary.columns(kind, own[kind]) for own in tracks for kind in KINDS]


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, list[str]]]:
    """Fifty tracks with words in the title and a few tags."""
    rng = np.random.default_rng(3)
    return [
        track(
            title_word=[WORDS[at] for at in np.flatnonzero(rng.random(len(WORDS)) < 0.5)],
            tag=["rock"] if number % 3 else ["rock", "folk"],
        )
        for number in range(50)
    ]


@pytest.fixture(scope="module")
def vocabulary(corpus: list[dict[str, list[str]]]) -> Vocabulary:
    return Vocabulary.fit(corpus)


def test_tags_say_who_says_them() -> None:
    tags, tag_words = tag_tokens(["Indie Rock", "Rock"], ("rock", "folk"), ("rap",))
    assert tags == [
        *("own:indie rock", "own:rock", "artist:rock", "artist:folk", "guest:rap"),
        *("indie rock", "rock", "folk"),
    ]
    assert tag_words == ["indie", "rock", "folk"]


def test_no_tags_no_tokens() -> None:
    assert tag_tokens([], (), ()) == ([], [])


def test_tags_are_limited_and_counted_once() -> None:
    tags, _ = tag_tokens([f"tag{number}" for number in range(10_000)], (), ())
    assert len(tags) == 2 * MAX_TAGS
    tags, tag_words = tag_tokens(["rock", "Rock", "rock"], (), ("a", "a"))
    assert tags == ["own:rock", "guest:a", "rock"]
    assert tag_words == ["rock"]


def test_title_words_are_words_and_pairs() -> None:
    assert title_words("the end of the end") == [
        *("the", "end", "of"),
        *("the end", "end of", "of the"),
    ]
    assert title_words("") == []
    assert title_words("don't!") == ["don", "t", "don t"]


def test_words_of_several_texts() -> None:
    assert distinct_words(("blue river", "river song", "")) == ["blue", "river", "song"]


def test_character_ngrams_mark_both_ends() -> None:
    assert sorted(character_ngrams("ab")) == sorted([" a", "ab", "b ", " ab", "ab ", " ab "])
    assert character_ngrams("") == []
    assert character_ngrams("a") == [" a", "a ", " a "]


@given(st.text(alphabet="ab c", min_size=1, max_size=30))
def test_character_ngrams_are_the_substrings(text: str) -> None:
    padded = f" {text} "
    expected = {padded[at:end] for at in range(len(padded)) for end in range(at + 2, min(at + 4, len(padded)) + 1)}
    grams = character_ngrams(text)
    assert set(grams) == expected
    assert len(grams) == len(expected)


def test_groups_hold_every_kind_once_and_in_order() -> None:
    assert tuple(kind for group in GROUPS for kind in group) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_needs_enough_tracks(kind: str) -> None:
    fewest = FEWEST_TRACKS[kind]
    often = [track() | {kind: ["kept", "rare"]} for _ in range(fewest - 1)]
    vocabulary = Vocabulary.fit([*often, track() | {kind: ["kept"]}, track()])
    assert vocabulary.terms == track() | {kind: ["kept"]}
    assert vocabulary.columns(kind, ["rare", "kept", "unheard"]) == (0,)


def test_the_same_word_of_another_kind_is_another_token() -> None:
    vocabulary = Vocabulary.fit([track(title_word=["blue"], album_word=["blue"])] * 5)
    assert vocabulary.columns("title word", ["blue"]) != vocabulary.columns("album word", ["blue"])
    assert vocabulary.columns("artist word", ["blue"]) == ()


def test_weights_are_those_of_scikit_learn(vocabulary: Vocabulary, corpus: list[dict[str, list[str]]]) -> None:
    """Each kind has unit length by itself; idf is smooth: ln((1 + n) / (1 + tracks)) + 1."""
    matrix = dense(vocabulary.rows(cells(vocabulary, corpus)), len(vocabulary))
    for kind in ("title word", "tag"):
        reference = TfidfVectorizer(analyzer=lambda own: own, vocabulary=vocabulary.terms[kind])
        expected = reference.fit_transform([own[kind] for own in corpus]).toarray()
        first, end = vocabulary.ranges[kind]
        np.testing.assert_allclose(matrix[:, first:end], expected, atol=1e-6)
        np.testing.assert_allclose(vocabulary.idf[first:end], reference.idf_, rtol=1e-6)


def test_a_weight_by_hand() -> None:
    # 10 tracks, "rock" in all, "folk" in 4: idf 1 and ln(11 / 5) + 1 = 1.78846.
    tracks = [track(tag=["rock", "folk"])] * 4 + [track(tag=["rock"])] * 6
    vocabulary = Vocabulary.fit(tracks)
    assert vocabulary.terms["tag"] == ["folk", "rock"]
    assert vocabulary.idf == pytest.approx([1.788457, 1.0], abs=1e-6)
    rows = vocabulary.rows(cells(vocabulary, [tracks[0], track(tag=["unheard"]), tracks[9]]))
    # Length: sqrt(1.788457^2 + 1) = 2.049038.
    expected = [[0.872827, 0.488034], [0, 0], [0, 1]]
    assert dense(rows, 2) == pytest.approx(np.array(expected), abs=1e-5)


def test_group_sizes_cover_all_columns(vocabulary: Vocabulary) -> None:
    assert vocabulary.group_sizes == [2, len(WORDS), 0, 0]
    assert sum(vocabulary.group_sizes) == len(vocabulary)


def test_tracks_without_tokens_have_empty_rows(vocabulary: Vocabulary) -> None:
    rows = vocabulary.rows(cells(vocabulary, [track(), track(tag=["rock"]), track()]))
    assert rows.starts.tolist() == [0, 0, 1, 1]
    assert len(vocabulary.rows([])) == 0
    assert np.isfinite(rows.weights).all()


def test_a_restored_vocabulary_is_the_same(vocabulary: Vocabulary, corpus: list[dict[str, list[str]]]) -> None:
    document = json.loads(json.dumps(vocabulary.document()))
    again = Vocabulary.restore(document, {"idf": vocabulary.idf, "another": np.zeros(3)})
    assert (again.terms, again.ranges, len(again)) == (vocabulary.terms, vocabulary.ranges, len(vocabulary))
    expected = vocabulary.rows(cells(vocabulary, corpus))
    np.testing.assert_array_equal(again.rows(cells(again, corpus)).weights, expected.weights)


def test_terms_and_weights_must_fit(vocabulary: Vocabulary) -> None:
    with pytest.raises(ValueError, match="7 terms but 6 weights"):
        Vocabulary(vocabulary.terms, vocabulary.idf[:-1])


@given(st.lists(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5]), min_size=4, max_size=4), max_size=6), st.data())
def test_rows_behave_as_a_matrix(entries: list[list[float]], data: st.DataObject) -> None:
    matrix = np.array(entries, dtype=np.float32).reshape(len(entries), 4)
    rows = sparse(matrix)
    assert len(rows) == len(matrix)
    first, end = sorted(data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
    np.testing.assert_array_equal(dense(rows.between(first, end), end - first), matrix[:, first:end])
    picks = data.draw(st.lists(st.integers(0, 5), max_size=8))
    wanted = np.array([at for at in picks if at < len(matrix)], dtype=np.intp)
    np.testing.assert_array_equal(dense(rows.take(wanted), 4), matrix[wanted])
