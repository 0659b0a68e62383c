"""M1: modes of a taste, what it prefers, and its files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sound_library import CALM, CLUB, catalog_of, crowd, nothing_excluded, played, sounds

from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES
from models.recommenders.affinity import artist_taste, genre_taste, genre_vocabulary, loyalty
from models.recommenders.audio_profile import AudioProfileRecommender, fallback_profile, train_audio_profile
from models.recommenders.audio_space import audio_space, to_axes, to_features
from models.recommenders.history import plays_only
from models.recommenders.mixture import SPREAD_FLOOR, choose_mixture, fit_mixture

ENERGY = FEATURE_NAMES.index("energy")


def profile_of(catalog, history, seed=0):
    return AudioProfileRecommender.from_files(train_audio_profile(catalog, history, seed).files, catalog)


def ranked(catalog, recommender, history, limit):
    excluded = nothing_excluded(catalog)
    excluded[history.positions] = True
    return recommender.rank(history, excluded, limit).positions


def test_two_tastes_are_two_modes_and_not_their_mean():
    catalog = crowd()
    history = played(*range(30), *range(60, 90))
    recommender = profile_of(catalog, history)
    modes = recommender.profile.describe()
    assert train_audio_profile(catalog, history).metrics["modes"] == modes
    assert len(modes) == 2
    assert sum(mode["share"] for mode in modes) == pytest.approx(1, abs=0.01)
    energies = sorted(mode["features"]["energy"] for mode in modes)
    assert energies[0] == pytest.approx(CALM[ENERGY], abs=0.08)
    assert energies[1] == pytest.approx(CLUB[ENERGY], abs=0.08)
    found = ranked(catalog, recommender, history, 50)
    assert (found < 60).sum() > 15
    assert ((found >= 60) & (found < 120)).sum() > 15


def test_one_taste_is_one_mode_and_comes_first():
    catalog = crowd()
    history = played(*range(30))
    recommender = profile_of(catalog, history)
    assert len(recommender.profile.describe()) == 1
    assert set(ranked(catalog, recommender, history, 30)) == set(range(30, 60))


def test_what_is_played_more_weighs_more():
    catalog = crowd()
    positions = np.concatenate([np.arange(30), np.arange(60, 90)])
    plays = np.where(positions < 60, 500, 1).astype(np.float32)
    modes = profile_of(catalog, plays_only(positions, plays)).profile.describe()
    assert modes[0]["features"]["energy"] < 0.3
    assert modes[0]["share"] > 0.8


def test_the_characteristic_beats_the_usual():
    # A taste as wide as the library but a little calmer: what is typical of both says nothing.
    catalog = crowd()
    rng = np.random.default_rng(0)
    crowd_rows = rng.choice(np.arange(120, 600), 60, replace=False)
    history = played(*crowd_rows, *range(20))
    scores = profile_of(catalog, history).scores(history, np.arange(600))
    assert scores[20:60].mean() > np.median(scores[120:]) > scores[60:120].mean()


def test_unknown_features_are_left_out_and_unknown_tracks_are_neutral():
    features = np.concatenate([sounds(CALM, 60, 1), sounds(CLUB, 60, 2), sounds(CALM, 1, 5), sounds(CALM, 1, 6)])
    features[::3, 4] = np.nan
    features[120] = np.nan
    features[121, [2, 7]] = np.nan
    catalog = catalog_of(features)
    history = played(*range(30))
    scores = profile_of(catalog, history).scores(history, np.arange(122))
    assert np.isfinite(scores).all()
    assert scores[120] == pytest.approx(0, abs=1e-6)
    assert scores[60:120].max() < scores[120] < scores[30:60].min()
    assert scores[121] > scores[120]


def test_too_little_history_says_how_much_there_is():
    catalog = crowd()
    features = catalog.features.copy()
    features[:6] = np.nan
    with pytest.raises(PermanentError, match="has 9 wanted tracks with audio features") as caught:
        train_audio_profile(replace(catalog, features=features), played(*range(15)))
    assert caught.value.code == "too-little-history"
    train_audio_profile(replace(catalog, features=features), played(*range(16)))


def test_what_is_disliked_or_skipped_does_not_count():
    catalog = crowd()
    history = played(*range(30), *range(60, 90))
    likes = np.where(history.positions >= 60, -1, 0).astype(np.int8)
    modes = profile_of(catalog, replace(history, likes=likes)).profile.describe()
    assert [mode["features"]["energy"] < 0.3 for mode in modes] == [True]


def test_equal_histories_give_equal_bytes_and_seeds_are_kept():
    catalog = crowd()
    history = played(*range(30), *range(60, 90))
    first, second = (train_audio_profile(catalog, history, seed=4) for _ in range(2))
    assert dict(first.files) == dict(second.files)
    assert first.metrics == second.metrics


def test_the_profile_outlives_a_library_that_grew():
    catalog = crowd()
    history = played(*range(30))
    files = train_audio_profile(catalog, history).files
    extra = sounds(CALM, 5, 9)
    grown = catalog_of(np.concatenate([extra, catalog.features]))
    found = AudioProfileRecommender.from_files(files, grown).rank(history, nothing_excluded(grown), 65).positions
    assert set(found) == set(range(65))


def test_genres_lift_tracks_of_the_same_sound():
    features = np.repeat(sounds(CALM, 1, 1), 60, axis=0)
    genres = [["jazz"]] * 20 + [["folk"]] * 20 + [["jazz"]] * 10 + [["folk"]] * 10
    catalog = catalog_of(features, genres=genres)
    history = played(*range(20))
    assert set(ranked(catalog, profile_of(catalog, history), history, 10)) == set(range(40, 50))


def test_unknown_genres_are_neither_good_nor_bad():
    features = np.repeat(sounds(CALM, 1, 1), 60, axis=0)
    genres = [["jazz"]] * 30 + [["folk"]] * 20 + [[]] * 10
    catalog = catalog_of(features, genres=genres)
    history = played(*range(20))
    jazz, folk, unknown = profile_of(catalog, history).scores(history, np.array([25, 35, 55]))
    assert jazz > unknown > folk


def test_artists_count_for_those_who_come_back_to_them():
    artists = ["아이유;Guest"] * 12 + [f"one-off {row}" for row in range(12)] + ["아이유", "somebody", "IU"]
    catalog = catalog_of(np.repeat(sounds(CALM, 1, 1), 27, axis=0), artists=artists)
    loyal, fickle = played(*range(12)), played(*range(12, 24))
    assert (loyalty(catalog, loyal), loyalty(catalog, fickle)) == (1.0, 0.0)
    assert ranked(catalog, profile_of(catalog, loyal), loyal, 1) == [24]
    scores = profile_of(catalog, fickle).scores(fickle, np.array([24, 25, 12]))
    np.testing.assert_allclose(scores, scores[0], atol=1e-5)


def test_tastes_are_named_and_ordered_by_weight():
    genres = [["rock", "indie"], ["rock"], ["pop"], ["jazz"]]
    catalog = catalog_of(sounds(CALM, 4, 1), artists=["B", "b;A", "A", "C"], genres=genres)
    history = plays_only(np.array([0, 1, 2]), np.array([9, 9, 1], dtype=np.float32))
    assert genre_taste(catalog, history).names[0] == "rock"
    assert set(genre_taste(catalog, history).names) == {"rock", "indie", "pop"}
    artists = artist_taste(catalog, history)
    assert artists.names == ("b", "a")
    assert artists.weights[0] > artists.weights[1] > 0
    affinity = genre_vocabulary(catalog).affinity(genre_taste(catalog, history))
    assert affinity[3] == 0
    assert (affinity[:3] > 0).all()


def test_the_fallback_is_the_mean_of_the_library_and_says_so():
    catalog = crowd()
    features = catalog.features.copy()
    features[300] = np.nan
    features[301] = np.nanmean(features, axis=0)
    catalog = replace(catalog, features=features)
    fallback = fallback_profile(catalog)
    assert fallback.is_fallback
    assert not profile_of(catalog, played(*range(30))).is_fallback
    scores = fallback.scores(played(), np.arange(600))
    assert scores[301] > np.quantile(scores, 0.95)
    assert np.median(scores) > scores[:60].max()
    assert scores[300] < np.median(scores)
    (mode,) = fallback.profile.describe()
    assert mode["share"] == 1.0
    assert mode["features"]["energy"] == pytest.approx(float(np.nanmean(features[:, ENERGY])), abs=0.01)


def test_a_fallback_of_nothing_is_no_error():
    empty = catalog_of(np.zeros((0, 9), dtype=np.float32))
    assert len(fallback_profile(empty).rank(played(), np.zeros(0, dtype=np.bool_), 5)) == 0
    silent = catalog_of(np.full((3, 9), np.nan, dtype=np.float32))
    assert fallback_profile(silent).rank(played(), nothing_excluded(silent), 5).positions.tolist() == [0, 1, 2]


def broken(files, **changes):
    words = json.loads(files["profile.json"]) | changes
    return {**files, "profile.json": json.dumps(words).encode()}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda files: {"profile.json": files["profile.json"]},
        lambda files: {**files, "profile.json": b"{"},
        lambda files: {**files, "profile.json": b"[]"},
        lambda files: {**files, "profile.npz": files["profile.npz"][:-30]},
        lambda files: {**files, "profile.npz": b""},
        lambda files: broken(files, design="m1-0"),
        lambda files: broken(files, artists=["one"]),
        lambda files: broken(files, loyalty=float("nan")),
        lambda files: broken(files, tracks=None),
    ],
)
def test_files_of_something_else_are_refused(spoil):
    catalog = crowd()
    files = dict(train_audio_profile(catalog, played(*range(30))).files)
    with pytest.raises(PermanentError, match="train M1 again") as caught:
        AudioProfileRecommender.from_files(spoil(files), catalog)
    assert caught.value.code == "user-model-corrupt"


def test_the_axes_can_be_read_back():
    features = np.concatenate([sounds(CALM, 20, 1), sounds(CLUB, 20, 2)])
    low, high = ([getattr(feature, edge) for feature in FEATURES] for edge in ("low", "high"))
    features = np.concatenate([features, np.array([low, high], dtype=np.float32)])
    np.testing.assert_allclose(to_features(to_axes(features)), features, atol=2e-4, rtol=1e-4)
    assert np.isnan(to_axes(np.full((1, 9), np.nan, dtype=np.float32))).all()


def test_the_density_of_a_library_is_kept_per_catalog():
    catalog = crowd()
    assert audio_space(catalog) is audio_space(catalog)
    assert audio_space(replace(catalog)) is not audio_space(catalog)


def test_log_density_is_that_of_gaussians_over_known_axes():
    points = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    points[0] = [0.5, np.nan, -1.0]
    mixture = fit_mixture(points, np.ones(200, dtype=np.float32), 2, seed=0)
    known = ~np.isnan(points[0])
    z = (points[0, known] - mixture.means[:, known]) / mixture.spreads[:, known]
    each = np.exp(-0.5 * (z**2 + np.log(2 * np.pi * mixture.spreads[:, known] ** 2)).sum(axis=1))
    assert mixture.log_density(points)[0] == pytest.approx(np.log((mixture.shares * each).sum()), abs=1e-4)
    assert mixture.log_density(np.full((1, 3), np.nan, dtype=np.float32))[0] == pytest.approx(0, abs=1e-6)


def test_the_number_of_modes_follows_the_data():
    rng = np.random.default_rng(1)
    for clusters in (1, 2, 4):
        centers = 3.0 * np.array([[-1, -1], [1, 1], [-1, 1], [1, -1]])[:clusters]
        points = np.concatenate([rng.normal(center, 0.5, size=(60, 2)) for center in centers]).astype(np.float32)
        found = choose_mixture(points, np.ones(len(points), dtype=np.float32), 8, seed=0)
        assert len(found.shares) == clusters


def test_no_mode_is_narrower_than_the_floor():
    same = np.ones((20, 2), dtype=np.float32)
    mixture = choose_mixture(same, np.ones(20, dtype=np.float32), 8, seed=0)
    assert (mixture.spreads >= np.float32(SPREAD_FLOOR)).all()
    assert np.isfinite(mixture.log_density(same)).all()
