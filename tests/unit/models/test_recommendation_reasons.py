"""Every reason is true of the data."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sound_library import CALM, CLUB, MIDDLE, catalog_of, played, sounds

from core.features import FEATURE_NAMES
from models.recommenders.audio_space import to_axes
from models.recommenders.history import History
from models.recommenders.reasons import ReasonKind, explain


def at(*positions):
    return np.array(positions, dtype=np.intp)


def did(positions, **columns):
    """A history of owned items; columns change what else is known."""
    empty = played(*positions, times=0.0)
    return replace(empty, owned=np.ones(len(positions), dtype=np.bool_)) if not columns else replace(empty, **columns)


def texts(reasons, kind):
    return [reason.text for reason in reasons if reason.kind is kind]


@pytest.fixture
def korean():
    """Two calm tracks, one of them by a pair, and two club tracks."""
    features = np.concatenate([sounds(CALM, 2, 1), sounds(CLUB, 2, 2)])
    catalog = catalog_of(features, artists=["아이유", "아이유;오혁", "새소년", "잔나비"])
    return replace(catalog, titles=["밤편지", "사랑이 잘", "난춘", "주저하는 연인들을 위해"])


def test_the_same_artist_with_what_the_user_does(korean):
    for history, text in [
        (did([0]), "you have a track by 아이유"),
        (did([0, 1]), "you have 2 tracks by 아이유"),
        (did([0], plays=np.array([4], np.float32)), "you play a track by 아이유"),
        (did([0], likes=np.array([1], np.int8)), "you like a track by 아이유"),
    ]:
        (reasons,) = explain(korean, history, at(1))
        assert texts(reasons, ReasonKind.ARTIST) == [text]
        assert reasons[0].related == tuple(history.positions.tolist())


def test_only_tracks_of_which_the_verb_is_true_are_counted(korean):
    mixed = did([0, 1], owned=np.array([True, False]), plays=np.array([0, 9], np.float32))
    (reasons,) = explain(korean, mixed, at(0))
    assert texts(reasons, ReasonKind.ARTIST) == ["you have a track by 아이유"]
    assert reasons[0].related == (0,)


def test_what_is_not_wanted_is_no_reason(korean):
    disliked = did([0, 2], owned=np.array([True, True]), likes=np.array([-1, -1], np.int8))
    skipped = did([0, 2], skips=np.array([5, 5], np.float32))
    for history in (disliked, skipped):
        assert explain(korean, history, at(1, 3), together=at(0, 2)) == [[], []]


def test_what_goes_together_is_named_with_its_artists(korean):
    history = did([0, 1], plays=np.array([2, 0], np.float32), likes=np.array([0, 1], np.int8))
    reasons = explain(korean, history, at(2, 3), together=at(0, 1))
    assert texts(reasons[0], ReasonKind.TOGETHER) == ["because you play “밤편지” by 아이유"]
    assert texts(reasons[1], ReasonKind.TOGETHER) == ["because you like “사랑이 잘” by 아이유 and 오혁"]
    assert [reason.related for (reason, *_) in reasons] == [(0,), (1,)]


@pytest.mark.parametrize("partner", [-1, 3, 99])
def test_what_is_not_the_users_goes_with_nothing(korean, partner):
    (reasons,) = explain(korean, did([0]), at(2), together=at(partner))
    assert reasons == []


def test_an_artist_as_item_is_named_by_name(korean):
    artists = replace(korean, titles=[""] * 4)
    (reasons,) = explain(artists, did([0]), at(2), together=at(0))
    assert reasons[0].text == "because you have 아이유"


def test_similar_sound_names_the_nearest_track_and_features_that_are_near(korean):
    history = did([0, 2])
    for item, nearest in ((1, 0), (3, 2)):
        (reasons,) = explain(korean, history, at(item))
        (sound,) = [reason for reason in reasons if reason.kind is ReasonKind.SOUND]
        assert sound.related == (nearest,)
        assert 2 <= len(sound.features) <= 3
        assert all(name in sound.text for name in sound.features)
        assert f"“{korean.titles[nearest]}”" in sound.text


def test_named_features_are_near_in_truth_for_any_library():
    features = sounds(MIDDLE, 400, 4, (0.17, 0.22, 0.25, 0.2, 0.1, 0.06, 0.03, 27.0, 4.0))
    features[np.random.default_rng(0).random(features.shape) < 0.2] = np.nan
    catalog = catalog_of(features)
    axes, mine = to_axes(features), np.arange(0, 400, 2)
    items = np.arange(1, 400, 2)
    told = 0
    for item, reasons in zip(items, explain(catalog, did(mine), items), strict=True):
        for sound in (reason for reason in reasons if reason.kind is ReasonKind.SOUND):
            told += 1
            difference = np.abs(axes[item] - axes[mine])
            shared = (~np.isnan(difference)).sum(axis=1)
            distances = np.where(shared >= 4, np.nansum(np.square(difference), axis=1) / np.maximum(shared, 1), np.inf)
            near = int(np.flatnonzero(mine == sound.related[0])[0])
            assert distances[near] == pytest.approx(distances.min(), rel=1e-3, abs=1e-4)
            for name in sound.features:
                assert difference[near, FEATURE_NAMES.index(name)] <= 0.35
    assert told > 50


def test_no_similar_sound_where_nothing_is_near_or_known(korean):
    (far,) = explain(korean, did([0, 1]), at(2))
    assert texts(far, ReasonKind.SOUND) == []
    features = korean.features.copy()
    features[1, 3:] = np.nan
    features[1, 0] = features[0, 0]
    sparse = replace(korean, features=features, artists=["a", "b", "c", "d"])
    assert explain(sparse, did([0]), at(1)) == [[]]


def test_shared_genres_are_counted():
    genres = [["k-indie", "pop"], ["k-indie", "pop"], ["k-indie"], ["k-indie", "pop"], ["pop"], ["jazz"], ["pop"]]
    catalog = catalog_of(np.full((7, 9), np.nan, dtype=np.float32), genres=genres)
    reasons = explain(catalog, did([0, 1, 2, 5]), at(3, 4, 5))
    assert texts(reasons[0], ReasonKind.GENRES) == ["k-indie and pop, genres of 3 and 2 of your tracks"]
    assert texts(reasons[1], ReasonKind.GENRES) == ["pop, a genre of 2 of your tracks"]
    # One track is no taste.
    assert texts(reasons[2], ReasonKind.GENRES) == []


def test_popularity_is_said_where_little_else_is():
    catalog = catalog_of(np.full((4, 9), np.nan, np.float32), popularity=[10, 83, np.nan, 59])
    reasons = explain(catalog, did([0]), at(1, 2, 3))
    assert [[reason.text for reason in own] for own in reasons] == [["popular: 83 of 100"], [], []]


def test_a_fallback_says_so_first(korean):
    nobody = did([])
    assert isinstance(nobody, History)
    popular = replace(korean, popularity=np.array([90, 1, 1, 1], np.float32))
    reasons = explain(popular, nobody, at(0, 1), is_fallback=True)
    assert [[reason.kind for reason in own] for own in reasons] == [
        [ReasonKind.FALLBACK, ReasonKind.POPULARITY],
        [ReasonKind.FALLBACK],
    ]


def test_at_most_three_and_nothing_for_nobody(korean):
    genres = catalog_of(korean.features, artists=["A"] * 4, genres=[["x"], ["x"], ["x"], ["y"]])
    (reasons,) = explain(genres, did([0, 1]), at(2), together=at(1))
    assert [reason.kind for reason in reasons][:2] == [ReasonKind.TOGETHER, ReasonKind.ARTIST]
    (many,) = explain(genres, did([0, 1]), at(1), together=at(0))
    assert len(many) == 3
    assert explain(genres, did([0]), at()) == []


def test_no_number_is_said_that_is_not_in_the_data(korean):
    (reasons,) = explain(korean, did([0, 1]), at(1), together=at(0))
    assert reasons
    assert {number for reason in reasons for number in re.findall(r"\d+", reason.text)} <= {"2"}
