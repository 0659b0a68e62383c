"""What the blend reads of a track, and the sparse copies that it learns from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tracks import TrackBatch
from models.predictors.blend.columns import KNOWN, UNKNOWN, judge_columns, network_columns, offset_of
from models.predictors.blend.description import Describer, read_texts
from models.predictors.blend.first_stage import QUANTILES, FirstGuess
from models.predictors.blend.genre_space import GenreSpace, fit_genre_space
from models.predictors.blend.memory import N_RECALLED, Recollection
from models.predictors.blend.names import key
from models.predictors.blend.sparse_copies import BLANKED, SHARE, with_sparse_copies
from models.predictors.blend.tokens import KINDS
from models.predictors.blend.vocabulary import Vocabulary

N = 1_000


@pytest.fixture(scope="module")
def space() -> GenreSpace:
    return fit_genre_space({"ann": ["folk"], "bob": ["rock", "metal"]}, [["folk", "rock"]] * 3 + [["metal"]] * 3)


@pytest.fixture(scope="module")
def tracks() -> TrackBatch:
    return TrackBatch(
        track_id=[str(row) for row in range(5)],
        artist=["Ann", "Ann", "Nobody;Bob", "Nobody;Bob", ""],
        title=["Song", "Song (feat. Bob)", "Sóng", "Song", ""],
        album=["Blue", "BLUE", "Red", None, ""],
        genres=[["Pop"], [], [], ["Pop"], []],
        release_year=[2000, None, None, 2000, None],
        decade=[None, 1990, None, None, None],
        duration_ms=[200_000, None, 0, 1, None],
        explicit=[True, False, None, None, None],
        popularity=[1, 50, None, 100, 0],
    )


@pytest.fixture(scope="module")
def describer(space: GenreSpace, tracks: TrackBatch) -> Describer:
    return Describer(Vocabulary.fit(read_texts(tracks, space).tokens * 40), space)


def test_own_genres_come_first_and_guests_only_for_want_of_any(tracks: TrackBatch, space: GenreSpace) -> None:
    texts = read_texts(tracks, space)
    assert texts.tags == [("pop", "folk"), ("folk",), ("rock", "metal"), ("pop",), ()]
    assert texts.looked_up == [("folk",), ("folk",), (), (), ()]
    assert texts.credits[1] == ("ann", "bob")
    assert list(texts.tokens[0]) == list(KINDS)
    assert texts.tokens[0]["tag"] == ["own:pop", "artist:folk", "pop", "folk"]
    assert texts.tokens[2]["tag"] == ["guest:rock", "guest:metal"]
    assert texts.tokens[2]["title word"] == ["song"]
    assert texts.tokens[2]["artist word"] == ["nobody", "bob"]
    assert all(not own for own in texts.tokens[4].values())


def test_descriptions_hold_keys_of_artists_and_albums(describer: Describer, tracks: TrackBatch) -> None:
    described = describer.describe(tracks)
    assert len(described) == 5
    assert described.credits[:2] == [[key("ann")], [key("ann"), key("bob")]]
    assert described.album.tolist() == [key("blue"), key("blue"), key("red"), 0, 0]
    np.testing.assert_array_equal(described.years, [2000, 1994.5, np.nan, 2000, np.nan])


def test_dense_inputs_hold_numbers_genres_and_bases(describer: Describer, tracks: TrackBatch) -> None:
    described = describer.describe(tracks)
    dense = described.dense()
    assert dense.dtype == np.float32
    np.testing.assert_array_equal(dense[:, -described.numbers.shape[1] :], described.numbers)
    genres = dense[:, -described.numbers.shape[1] - described.genres.shape[1] : -described.numbers.shape[1]]
    assert np.linalg.norm(genres, axis=1) == pytest.approx(2 * np.array([1, 1, 1, 0, 0]), abs=1e-5)


def test_a_track_is_described_alike_in_any_batch(describer: Describer, tracks: TrackBatch) -> None:
    whole = describer.describe(tracks)
    order = [4, 2, 2, 0]
    for some in (describer.describe(tracks.take(order)), whole.take(np.array(order))):
        np.testing.assert_array_equal(some.dense(), whole.dense()[order])
        np.testing.assert_array_equal(some.album, whole.album[order])
        assert some.credits == [whole.credits[row] for row in order]
        np.testing.assert_array_equal(some.tokens.weights, whole.tokens.take(np.array(order)).weights)
        np.testing.assert_array_equal(some.tokens.columns, whole.tokens.take(np.array(order)).columns)


def test_popularity_and_the_id_are_not_read(describer: Describer, tracks: TrackBatch) -> None:
    other = tracks.take(range(5))
    other.popularity, other.track_id = [None] * 5, ["x"] * 5
    one, two = describer.describe(tracks), describer.describe(other)
    np.testing.assert_array_equal(one.dense(), two.dense())
    np.testing.assert_array_equal(one.tokens.weights, two.tokens.weights)


@given(st.text(max_size=300), st.text(max_size=300), st.one_of(st.none(), st.text()), st.lists(st.text(), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_can_be_described(
    describer: Describer, artist: str, title: str, album: str | None, genres: list[str]
) -> None:
    described = describer.describe(TrackBatch(["1"], [artist], [title], [album], [genres]))
    assert np.isfinite(described.tokens.weights).all()
    assert np.isfinite(described.genres).all()
    assert np.isfinite(np.nan_to_num(described.dense())).all()
    assert described.credits[0]


def test_judges_of_unknown_artists_see_nothing_of_the_artist(describer: Describer, tracks: TrackBatch) -> None:
    """Residuals remembered of the leading artist, and of the album, are for the other judge alone."""
    described = describer.describe(tracks)
    rng = np.random.default_rng(0)
    guess = FirstGuess(np.zeros((5, 9), np.float32), rng.random((5, 9, len(QUANTILES))).astype(np.float32))
    features = rng.random((5, N_RECALLED)).astype(np.float32)
    changed = features.copy()
    changed[:, [*range(18), 27, 28]] += 1
    one, other = (Recollection(np.zeros(5, np.intp), own) for own in (features, changed))
    without, again = (judge_columns(UNKNOWN, described, guess, recalled) for recalled in (one, other))
    np.testing.assert_array_equal(without, again)
    known = judge_columns(KNOWN, described, guess, one)
    assert known.dtype == without.dtype == np.float32
    np.testing.assert_array_equal(known[:, : without.shape[1]], without)
    np.testing.assert_allclose(known[:, -20:-11], guess.value + features[:, :9], atol=1e-6)
    np.testing.assert_allclose(known[:, -11:-2], guess.value + features[:, 9:18], atol=1e-6)
    np.testing.assert_allclose(known[:, -2:], np.log1p(features[:, 27:29]), atol=1e-6)
    np.testing.assert_array_equal(offset_of(UNKNOWN, guess, one), guess.value)
    np.testing.assert_allclose(offset_of(KNOWN, guess, one), guess.value + features[:, :9], atol=1e-6)
    bases = network_columns(known, described)
    np.testing.assert_array_equal(bases[:, : known.shape[1]], known)
    assert np.isfinite(bases[:, known.shape[1] :]).all()


@pytest.fixture(scope="module")
def full() -> TrackBatch:
    return TrackBatch(
        track_id=[str(row) for row in range(N)],
        artist=["Ann"] * N,
        title=["Song"] * N,
        album=["Blue"] * N,
        genres=[["folk"] for _ in range(N)],
        duration_ms=[200_000] * N,
        release_year=[2000] * N,
        decade=[2000] * N,
        explicit=[False] * N,
        popularity=[50] * N,
    )


def test_copies_follow_the_originals_which_stay(full: TrackBatch) -> None:
    before = full.take(range(N))
    extended, origin = with_sparse_copies(full, np.random.default_rng(0))
    n_copies = int(SHARE * N)
    assert len(extended) == len(origin) == N + n_copies
    assert origin[:N].tolist() == list(range(N))
    assert len(set(origin[N:].tolist())) == n_copies
    assert full == before
    assert extended.take(range(N)) == before
    assert extended.track_id[N:] == [str(row) for row in origin[N:]]
    assert set(extended.artist + extended.title) == {"Ann", "Song"}
    assert extended.popularity == [50] * (N + n_copies)


def test_fields_of_copies_are_blanked_as_often_as_said(full: TrackBatch) -> None:
    blank: dict[str, list[bool]] = {name: [] for name in BLANKED}
    for seed in range(10):
        extended, _ = with_sparse_copies(full, np.random.default_rng(seed))
        for name, found in blank.items():
            found += [value in (None, []) for value in getattr(extended, name)[N:]]
    assert {name: np.mean(found) for name, found in blank.items()} == pytest.approx(BLANKED, abs=0.05)
    assert blank["decade"] == blank["release_year"]
    # All others are drawn apart from each other.
    names = [name for name in BLANKED if name != "decade"]
    correlations = np.corrcoef([blank[name] for name in names])
    assert np.abs(correlations - np.eye(len(names))).max() < 0.1


def test_copies_repeat_with_the_seed(full: TrackBatch) -> None:
    one, again = (with_sparse_copies(full, np.random.default_rng(7)) for _ in range(2))
    assert one[0] == again[0]
    np.testing.assert_array_equal(one[1], again[1])
