"""Cross-validation folds."""

import numpy as np

from models.predictors.folds import CV_FOLDS, artist_folds, track_folds


def test_cross_validation_keeps_an_artist_in_one_fold() -> None:
    artists = [f"artist {number % 40}" + (";guest" if number % 3 else "") for number in range(400)]
    folds = artist_folds(artists)
    by_artist = {artist.partition(";")[0]: set() for artist in artists}
    for artist, fold in zip(artists, folds.tolist(), strict=True):
        by_artist[artist.partition(";")[0]].add(fold)
    assert all(len(seen) == 1 for seen in by_artist.values())
    assert np.bincount(folds).min() > 0


def test_folds_of_tracks_are_of_equal_size_and_the_same_every_time() -> None:
    folds = track_folds(1_000)
    assert np.bincount(folds).tolist() == [200] * CV_FOLDS
    np.testing.assert_array_equal(folds, track_folds(1_000))
