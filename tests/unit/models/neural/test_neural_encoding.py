"""Text, genres, moods and metadata as numbers."""

import numpy as np
import pytest

from core.tracks import TrackBatch
from models.predictors.neural.bags import Bags, EmbeddingTable
from models.predictors.neural.encoding import N_METADATA, NUMBERS, MetadataScaler, TrackEncoder, fit_labels
from models.predictors.neural.inputs import NetworkInputs
from models.predictors.neural.tokens import (
    MAX_TOKENS,
    MIN_TRACKS,
    NgramVocabulary,
    fit_vocabulary,
    plain,
    sentence,
    tokens,
)


def inputs(**columns: list[object]) -> NetworkInputs:
    n = len(next(iter(columns.values())))
    return NetworkInputs.from_columns({"artist": ["A"] * n, "title": ["B"] * n} | columns)


def scaler() -> MetadataScaler:
    """Knows durations, years, decades and explicit; never saw a track number or an album's length."""
    return MetadataScaler.fit(
        inputs(
            duration_ms=[120_000, 240_000, None],
            release_year=[1990, 2010, None],
            explicit=[True, False, None],
            decade=[None, None, 1960],
        )
    )


def column(name: str, metadata: np.ndarray) -> tuple[float, float]:
    """Score and flag of one number of the first track."""
    at = NUMBERS.index(name)
    return float(metadata[0, at]), float(metadata[0, len(NUMBERS) + at])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't  STOP!", "don t stop"),
        ("ＡＢＣ", "abc"),
        ("밤편지 (feat. X)", "밤편지 feat x"),
        ("\x00_🎵", ""),
        ("", ""),
    ],
)
def test_text_is_lower_case_without_punctuation(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_sentence_names_artist_and_title() -> None:
    assert sentence("AC/DC", "T.N.T.") == "ac dc - t n t"


def test_a_band_and_a_song_of_one_name_differ() -> None:
    assert {"@blue", "a:blue"} <= set(tokens("Blue", "One Love")) - set(tokens("One Love", "Blue"))


def test_every_credited_artist_is_a_token() -> None:
    assert {"@queen", "@david bowie"} <= set(tokens("Queen;David Bowie", "Under Pressure"))


def test_the_vocabulary_holds_what_enough_tracks_have() -> None:
    texts = [["common", "x"]] * MIN_TRACKS + [["rare", "rare", "rare"]]
    assert fit_vocabulary(texts).terms == ("common", "x")
    assert fit_vocabulary(texts, max_terms=1).terms == ("common",)


def test_a_text_has_128_tokens_at_most_and_words_come_first() -> None:
    words = [f"w{number}" for number in range(200)]
    vocabulary = NgramVocabulary(["t:" + word for word in words] + ["~<w1"])
    rows = vocabulary.encode("", " ".join(words))
    assert len(rows.words) == MAX_TOKENS
    assert rows.grams == ()
    few = vocabulary.encode("", "w1 w2")
    assert (len(few.names), len(few.words), len(few.grams)) == (0, 2, 1)


def test_names_are_apart_from_words() -> None:
    vocabulary = NgramVocabulary(["@queen", "a:queen", "t:queen"])
    assert vocabulary.encode("Queen", "Queen") == ((0,), (1, 2), ())
    assert vocabulary.knows_artist("QUEEN;Somebody")
    assert not vocabulary.knows_artist("Somebody;Queen")
    assert vocabulary.names_only().terms == ("@queen",)


def test_metadata_is_standardized_and_missing_values_are_flagged() -> None:
    known = scaler().encode(inputs(duration_ms=[240_000], release_year=[2010], explicit=[True]))
    assert known.shape == (1, N_METADATA)
    assert column("duration_ms", known) == (pytest.approx(1.0), 0.0)
    assert column("release_year", known) == (pytest.approx(1.0), 0.0)
    unknown = scaler().encode(inputs(duration_ms=[None]))
    same = scaler().encode(inputs(duration_ms=[180_000], release_year=[2000], decade=[2000]))
    for name in ("duration_ms", "release_year", "decade"):
        assert column(name, unknown) == (pytest.approx(column(name, same)[0]), 1.0)
        assert column(name, same)[1] == 0.0


def test_the_decade_follows_from_the_year() -> None:
    from_year = column("decade", scaler().encode(inputs(release_year=[1994])))
    assert from_year == column("decade", scaler().encode(inputs(decade=[1990])))


@pytest.mark.parametrize(
    ("name", "value"), [("release_year", 9_999), ("release_year", 0), ("duration_ms", 0), ("duration_ms", -5)]
)
def test_impossible_values_count_as_missing(name: str, value: int) -> None:
    impossible, missing = scaler().encode(inputs(**{name: [value]})), scaler().encode(inputs(**{name: [None]}))
    np.testing.assert_array_equal(impossible, missing)


def test_scores_are_bounded() -> None:
    assert np.abs(scaler().encode(inputs(duration_ms=[2**31], release_year=[1860]))).max() <= 4.0


def test_a_number_never_seen_in_training_stays_unknown() -> None:
    given, missing = scaler().encode(inputs(track_number=[7])), scaler().encode(inputs(track_number=[None]))
    np.testing.assert_array_equal(given, missing)


def test_up_to_five_genres_and_three_moods_count() -> None:
    genres, moods = [f"genre {number}" for number in range(9)], [f"mood {number}" for number in range(9)]
    encoder = TrackEncoder(NgramVocabulary([]), genres, moods, scaler())
    tracks = inputs(genres=[["nothing", "GENRE 8 ", "genre 8", *genres]], moods=[moods])
    encoded = encoder.encode(tracks)
    assert encoded.genres.rows.tolist() == [8, 0, 1, 2, 3]
    assert encoded.moods.rows.tolist() == [0, 1, 2]


def test_labels_of_enough_tracks_make_the_vocabulary() -> None:
    assert fit_labels([["Rock", "rock "], ["rock"], ["rock"], ["rock"], ["rock", "rare"]]) == ["rock"]


def test_bags_average_and_empty_ones_give_zeros() -> None:
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    pooled = EmbeddingTable.half(table).pool(Bags.of([[0, 2], [], [3]]))
    np.testing.assert_array_equal(pooled, [(table[0] + table[2]) / 2, np.zeros(3), table[3]])
    assert EmbeddingTable.half(table).pool(Bags.of([])).shape == (0, 3)


def test_eight_bits_keep_embeddings_within_half_a_step() -> None:
    table = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    table[7] = 0
    quantized = EmbeddingTable.int8(table)
    bags = Bags.of([[row] for row in range(50)])
    step = np.abs(table).max(axis=1, keepdims=True) / 127
    assert (np.abs(quantized.pool(bags) - table) <= step / 2 + 1e-6).all()


def test_a_bag_sums_to_the_same_bits_in_any_company() -> None:
    rng = np.random.default_rng(1)
    table = EmbeddingTable.int8(rng.normal(size=(500, 64)).astype(np.float32))
    bags = Bags.of([rng.integers(500, size=size).tolist() for size in rng.integers(0, 128, size=60)])
    together = table.pool(bags)
    for track in range(len(bags)):
        np.testing.assert_array_equal(table.pool(bags.take(np.array([track])))[0], together[track])


def test_taking_and_keeping_bags() -> None:
    bags = Bags.of([[1, 2], [], [3]])
    assert bags.take(np.array([2, 0])).rows.tolist() == [3, 1, 2]
    kept = bags.keep(bags.rows != 2)
    assert (kept.rows.tolist(), kept.lengths.tolist()) == ([1, 3], [1, 0, 1])


def test_a_batch_without_a_known_word_is_no_error() -> None:
    encoder = TrackEncoder(NgramVocabulary([]), [], [], scaler())
    encoded = encoder.encode(NetworkInputs.of(TrackBatch(["1"], [""], [""])))
    assert encoded.words.lengths.tolist() == [0]
    assert encoded.strata.tolist() == [0]


def test_strata_tell_known_artists_and_genres() -> None:
    encoder = TrackEncoder(NgramVocabulary(["@a"]), ["rock"], [], scaler())
    tracks = TrackBatch(list("1234"), ["x", "x", "A", "A"], [""] * 4, genres=[[], ["rock"], ["pop"], ["Rock"]])
    assert encoder.encode(NetworkInputs.of(tracks)).strata.tolist() == [0, 1, 2, 3]
