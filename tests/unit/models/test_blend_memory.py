"""The blend's memory of artists, against a Gaussian process written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.features import N_FEATURES
from models.predictors.blend import memory
from models.predictors.blend.description import Description
from models.predictors.blend.memory import N_RECALLED, ArtistMemory, Recollection, fit_memory
from models.predictors.blend.numbers import NUMBERS
from models.predictors.blend.vocabulary import SparseRows

# A track: keys of the credited artists, year, album.
Track = tuple[list[int], float | None, int]
BY_YEAR, BY_ALBUM, CREDITED = (slice(at * N_FEATURES, (at + 1) * N_FEATURES) for at in range(3))
REMEMBERED, ON_ALBUM, CREDITED_TRACKS = range(3 * N_FEATURES, N_RECALLED)
BLUE, RED = 2**40 + 7, 2**40 + 8


def described(*tracks: Track) -> Description:
    n = len(tracks)
    numbers = np.zeros((n, len(NUMBERS)), dtype=np.float32)
    numbers[:, NUMBERS.index("year")] = [np.nan if year is None else year for _, year, _ in tracks]
    nothing = SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(n + 1, np.int64))
    albums = np.array([album for *_, album in tracks], dtype=np.uint64)
    return Description(nothing, numbers, np.zeros((n, 2), np.float32), [names for names, *_ in tracks], albums)


def recall(remembered: ArtistMemory, *tracks: Track) -> Recollection:
    return remembered.recall(described(*tracks))


def covariance(one: Track, other: Track, with_albums: bool) -> float:
    """Of two tracks of an artist, before the factor of the feature."""
    gap = memory._UNKNOWN_GAP if one[1] is None or other[1] is None else abs(one[1] - other[1])
    share = memory._CONSTANT + memory._FADING * np.exp(-gap / memory._FADING_YEARS)
    return share + memory._ALBUM * (with_albums and one[2] == other[2] != 0)


def kriging(tracks: list[Track], residuals: np.ndarray, asked: Track, with_albums: bool) -> np.ndarray:
    """k (K + I)^-1 r for every feature, from tracks of one artist."""
    among = np.array([[covariance(one, other, with_albums) for other in tracks] for one in tracks])
    to_asked = np.array([covariance(asked, one, with_albums) for one in tracks])
    expected = np.empty(N_FEATURES)
    for feature, factor in enumerate(memory._ARTIST_VARIANCE):
        expected[feature] = (
            factor * to_asked @ np.linalg.inv(factor * among + np.eye(len(tracks))) @ residuals.T[feature]
        )
    return expected


def some_residuals(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, size=(n, N_FEATURES))


@pytest.fixture
def tracks() -> list[Track]:
    """Four of artist 9, two of artist 3; artists 5 and 3 are guests of 9."""
    return [
        ([9], 2000, BLUE),
        ([3], 1990, BLUE),
        ([9, 5], 2004, RED),
        ([9], None, 0),
        ([3], 2010, 0),
        ([9, 5, 3], 2020, 0),
    ]


@pytest.fixture
def residuals(tracks: list[Track]) -> np.ndarray:
    return some_residuals(len(tracks))


@pytest.fixture
def remembered(tracks: list[Track], residuals: np.ndarray) -> ArtistMemory:
    return fit_memory(described(*tracks), residuals)


@pytest.mark.parametrize("asked", [([9], 2001, BLUE), ([9], None, 0), ([9], 1960, RED), ([9, 77], 2004, 99)])
def test_it_recalls_what_a_gaussian_process_expects(
    remembered: ArtistMemory, tracks: list[Track], residuals: np.ndarray, asked: Track
) -> None:
    own = [at for at, track in enumerate(tracks) if track[0][0] == 9]
    features = recall(remembered, asked).features[0]
    for columns, with_albums in ((BY_YEAR, False), (BY_ALBUM, True)):
        expected = kriging([tracks[at] for at in own], residuals[own], asked, with_albums)
        np.testing.assert_allclose(features[columns], expected, atol=1e-5)
    assert features[REMEMBERED] == len(own)
    assert features[ON_ALBUM] == (asked[2] in (BLUE, RED))


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(1900, 2100)), st.integers(0, 3)), min_size=1, max_size=40),
    st.integers(0, 100),
)
@settings(max_examples=30, deadline=None)
def test_any_artist_is_a_gaussian_process(dates: list[tuple[int | None, int]], seed: int) -> None:
    tracks: list[Track] = [([1], year, album) for year, album in dates]
    residuals = some_residuals(len(tracks), seed)
    remembered = fit_memory(described(*tracks), residuals)
    features = recall(remembered, ([1], 2005, 2)).features[0]
    np.testing.assert_allclose(features[BY_YEAR], kriging(tracks, residuals, ([1], 2005, 2), False), atol=1e-4)
    np.testing.assert_allclose(features[BY_ALBUM], kriging(tracks, residuals, ([1], 2005, 2), True), atol=1e-4)


def test_one_track_by_hand() -> None:
    """With one track of the same year: v (c + f) / (1 + v (c + f)) of its residual."""
    remembered = fit_memory(described(([4], 2000, 0)), np.full((1, N_FEATURES), 0.4))
    prior = memory._ARTIST_VARIANCE * (memory._CONSTANT + memory._FADING)
    features = recall(remembered, ([4], 2000, 0)).features[0]
    assert features[BY_YEAR] == pytest.approx(0.4 * prior / (1 + prior), rel=1e-5)
    # Neither track has an album: nothing is added.
    np.testing.assert_array_equal(features[BY_ALBUM], features[BY_YEAR])


def test_nearer_years_count_more_and_the_same_album_most() -> None:
    remembered = fit_memory(described(([4], 2000, BLUE)), np.full((1, N_FEATURES), 0.4))
    asked: list[Track] = [([4], 2000, BLUE), ([4], 2000, 0), ([4], 2003, 0), ([4], None, 0), ([4], 2040, RED)]
    by_album = recall(remembered, *asked).features[:, BY_ALBUM]
    assert (np.diff(by_album, axis=0) < 0).all()
    assert (by_album[-1] > 0).all()
    by_year = recall(remembered, *asked).features[:, BY_YEAR]
    np.testing.assert_array_equal(by_year[0], by_year[1])


def test_more_tracks_are_trusted_more() -> None:
    shifts = []
    for n in (1, 3, 10, 100):
        remembered = fit_memory(described(*[([4], 2000, 0)] * n), np.full((n, N_FEATURES), 0.4))
        shifts.append(recall(remembered, ([4], 2000, 0)).features[0, BY_YEAR])
    assert (np.diff(shifts, axis=0) > 0).all()
    assert (np.array(shifts) < 0.4).all()


def test_odd_tracks_are_cut() -> None:
    far, farther = (
        recall(fit_memory(described(([4], 2000, 0)), np.full((1, N_FEATURES), wrong)), ([4], 2000, 0)).features
        for wrong in (memory._LARGEST_RESIDUAL, 1e6)
    )
    np.testing.assert_array_equal(far, farther)


def test_an_unknown_artist_is_nothing(remembered: ArtistMemory) -> None:
    recalled = recall(remembered, ([1_000], 2000, BLUE), ([9], 2000, BLUE), ([0], None, 0))
    assert recalled.artist.tolist() == [-1, 1, -1]
    assert recalled.known.tolist() == [False, True, False]
    assert not recalled.features[[0, 2]].any()


def test_the_first_known_artist_counts(remembered: ArtistMemory) -> None:
    """Artists are sorted by key: 3, then 9. Guests alone, as 5 is, are no artists of tracks."""
    asked: list[Track] = [([50, 9, 3], 2000, 0), ([50, 3, 9], 2000, 0), ([3, 9], 2000, 0), ([50, 5], 2000, 0)]
    recalled = recall(remembered, *asked, ([9], 2000, 0))
    assert recalled.artist.tolist() == [1, 0, 0, -1, 1]
    np.testing.assert_array_equal(recalled.features[0, BY_YEAR], recalled.features[4, BY_YEAR])


def test_credits_are_the_shrunk_mean_of_their_tracks(remembered: ArtistMemory, residuals: np.ndarray) -> None:
    """Credited behind the first: artist 5 on rows 2 and 5, artist 3 on row 5."""
    recalled = recall(remembered, ([1_000, 5], 2000, 0), ([1_000, 3, 5, 77], 2000, 0), ([5], 2000, 0))
    shrink = 1 / memory._ARTIST_VARIANCE
    total = residuals[2] + residuals[5]
    np.testing.assert_allclose(recalled.features[0, CREDITED], total / (2 + shrink), atol=1e-6)
    np.testing.assert_allclose(recalled.features[1, CREDITED], (total + residuals[5]) / (3 + shrink), atol=1e-6)
    assert recalled.features[:, CREDITED_TRACKS].tolist() == [2, 3, 0]
    assert not recalled.features[2, CREDITED].any()


def test_a_memory_without_any_second_credit() -> None:
    remembered = fit_memory(described(([4], 2000, 0)), some_residuals(1))
    assert not recall(remembered, ([4, 5], 2000, 0)).features[0, CREDITED].any()


def test_artists_do_not_mix(tracks: list[Track], residuals: np.ndarray, remembered: ArtistMemory) -> None:
    own = [at for at, track in enumerate(tracks) if track[0][0] == 3]
    alone = fit_memory(described(*[tracks[at] for at in own]), residuals[own])
    asked = ([3], 1995, BLUE)
    np.testing.assert_allclose(
        recall(remembered, asked).features[0, : 2 * N_FEATURES], recall(alone, asked).features[0, : 2 * N_FEATURES]
    )


def test_the_order_of_the_tracks_is_no_matter(tracks: list[Track], residuals: np.ndarray) -> None:
    order = [5, 0, 3, 1, 4, 2]
    one = fit_memory(described(*tracks), residuals)
    other = fit_memory(described(*[tracks[at] for at in order]), residuals[order])
    asked: list[Track] = [([9], 2001, BLUE), ([3, 5], None, 0)]
    np.testing.assert_allclose(recall(one, *asked).features, recall(other, *asked).features, atol=1e-5)


def test_a_track_is_recalled_alike_in_any_batch(remembered: ArtistMemory, tracks: list[Track]) -> None:
    asked = [*tracks, ([1_000], 2000, BLUE), ([1_000, 9, 5], None, RED)]
    whole = recall(remembered, *asked)
    alone = [recall(remembered, track) for track in asked]
    np.testing.assert_array_equal(np.vstack([each.features for each in alone]), whole.features)
    np.testing.assert_array_equal(np.hstack([each.artist for each in alone]), whole.artist)
    rows = np.array([3, 1, 1])
    np.testing.assert_array_equal(whole.take(rows).features, recall(remembered, *[asked[at] for at in rows]).features)


def test_a_restored_memory_differs_by_half_precision_alone(remembered: ArtistMemory, tracks: list[Track]) -> None:
    stored = remembered.arrays()
    assert stored["memory_by_year"].dtype == stored["memory_credit_sum"].dtype == np.float16
    again = ArtistMemory.restore(stored)
    before, after = recall(remembered, *tracks), recall(again, *tracks)
    np.testing.assert_array_equal(after.artist, before.artist)
    np.testing.assert_allclose(after.features, before.features, atol=4 * 2**-11)
    # Once rounded, nothing is lost any more.
    twice = ArtistMemory.restore(again.arrays())
    np.testing.assert_array_equal(recall(twice, *tracks).features, after.features)
    assert np.isnan(again.year).sum() == 1


def test_dates_survive_half_precision() -> None:
    dates: list[Track] = [([4], year, 0) for year in (1900, 1999, 2024, 1994.5)]
    again = ArtistMemory.restore(fit_memory(described(*dates), some_residuals(4)).arrays())
    assert again.year[:3].tolist() == [1900, 1999, 2024]
    # The middle of a decade may move by half a year.
    assert again.year[3] == pytest.approx(1994.5, abs=0.5)


def test_albums_of_one_artist_are_told_apart_by_half_a_key() -> None:
    remembered = fit_memory(described(([4], 2000, BLUE)), some_residuals(1))
    recalled = recall(remembered, ([4], 2000, BLUE), ([4], 2000, RED), ([4], 2000, 0))
    assert recalled.features[:, ON_ALBUM].tolist() == [1, 0, 0]
