"""What every recommender promises, checked on each of the three and on what stands in for them."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from sound_library import CALM, CLUB, MIDDLE, catalog_of, sounds

from core.user_models import ModelKind
from models.recommenders.audio_profile import AudioProfileRecommender, fallback_profile, train_audio_profile
from models.recommenders.catalog import Catalog
from models.recommenders.collaborative import CollaborativeRecommender, train_collaborative
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.content_space import build_content_space
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles, Recommender
from models.recommenders.ranker import RankerOptions

N = 300


def library(n: int = N, seed: int = 0) -> Catalog:
    """Two scenes with sounds, artists and genres of their own; some of everything is unknown."""
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 3, n)
    centers = np.array([CALM, CLUB, MIDDLE])[scene]
    features = sounds(centers, n, seed)
    features[rng.random((n, 9)) < 0.1] = np.nan
    features[rng.random(n) < 0.1] = np.nan
    artists = [f"{('아이유', 'DJ', 'Band')[s]} {rng.integers(8)}" for s in scene]
    genres = [[("k-ballad", "techno", "rock")[s]] if rng.random() < 0.7 else [] for s in scene]
    return catalog_of(features, artists, genres, rng.integers(0, 101, n).tolist())


def history_of(catalog: Catalog, size: int = 40, seed: int = 1) -> History:
    """Owned, played, skipped, liked and disliked tracks."""
    rng = np.random.default_rng(seed)
    size = min(size, len(catalog))
    return History(
        positions=np.sort(rng.choice(len(catalog), size, replace=False)).astype(np.intp),
        owned=rng.random(size) < 0.7,
        plays=rng.integers(0, 20, size).astype(np.float32),
        skips=rng.integers(0, 4, size).astype(np.float32),
        likes=rng.choice([-1, 0, 0, 1], size).astype(np.int8),
        age_days=rng.uniform(0, 900, size).astype(np.float32),
    )


def nothing(catalog: Catalog) -> History:
    return history_of(catalog).take(np.zeros(0, dtype=np.intp))


def _audio(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    return AudioProfileRecommender.from_files(train_audio_profile(catalog, history).files, on)


def _mean_profile(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    return fallback_profile(on)


def _content(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    trained = train_content(build_content_space(catalog), history)
    return ContentRecommender.from_files(trained.files, build_content_space(on))


@lru_cache(maxsize=1)
def _community_files(catalog: Catalog) -> ModelFiles:
    histories = [history_of(catalog, 30, seed) for seed in range(2, 22)]
    return train_community(
        catalog, histories, CommunityOptions(folds=1, ranker=RankerOptions(trees=30)), lambda done, total: None
    ).files


def _popularity(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    return CollaborativeRecommender.from_files(None, on, None, ())


def _behavior_alone(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    files = train_collaborative(catalog, history, None, [_audio(catalog, history, catalog)]).files
    return CollaborativeRecommender.from_files(files, on, None, [_audio(catalog, history, on)])


def _community(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    community = CommunityModel.from_files(_community_files(catalog), on)
    return CollaborativeRecommender.from_files(None, on, community, [_audio(catalog, history, on)])


def _behavior(catalog: Catalog, history: History, on: Catalog) -> Recommender:
    known = CommunityModel.from_files(_community_files(catalog), catalog)
    files = train_collaborative(catalog, history, known, [_audio(catalog, history, catalog)]).files
    community = CommunityModel.from_files(_community_files(catalog), on)
    return CollaborativeRecommender.from_files(files, on, community, [_audio(catalog, history, on)])


Make = Callable[[Catalog, History, Catalog], Recommender]
#: Trained on a catalog, bound to another.
MAKERS: dict[str, tuple[ModelKind, Make]] = {
    "audio profile": (ModelKind.M1, _audio),
    "mean profile": (ModelKind.M1, _mean_profile),
    "content": (ModelKind.M2, _content),
    "popularity": (ModelKind.M3, _popularity),
    "behavior alone": (ModelKind.M3, _behavior_alone),
    "community": (ModelKind.M3, _community),
    "behavior": (ModelKind.M3, _behavior),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return library()


@pytest.fixture(scope="module")
def history(catalog: Catalog) -> History:
    return history_of(catalog)


@pytest.fixture(scope="module", params=sorted(MAKERS))
def maker(request: pytest.FixtureRequest) -> tuple[ModelKind, Make]:
    return MAKERS[request.param]


@pytest.fixture(scope="module")
def recommender(maker: tuple[ModelKind, Make], catalog: Catalog, history: History) -> Recommender:
    return maker[1](catalog, history, catalog)


@pytest.fixture
def excluded(history: History) -> np.ndarray:
    mask = np.zeros(N, dtype=np.bool_)
    mask[history.positions] = True
    mask[::7] = True
    return mask


def test_it_knows_its_kind(maker: tuple[ModelKind, Make], recommender: Recommender) -> None:
    assert recommender.kind is maker[0]


def test_nothing_excluded_nothing_twice_best_first(
    recommender: Recommender, history: History, excluded: np.ndarray
) -> None:
    found = recommender.rank(history, excluded, 50)
    assert len(found) == len(found.scores) == 50
    assert not excluded[found.positions].any()
    assert len(set(found.positions.tolist())) == 50
    assert np.isfinite(found.scores).all()
    assert (np.diff(found.scores) <= 0).all()


def test_a_longer_answer_keeps_the_order_of_a_shorter_one(
    recommender: Recommender, history: History, excluded: np.ndarray
) -> None:
    whole, part = (recommender.rank(history, excluded, limit).positions for limit in (N, 20))
    np.testing.assert_array_equal(whole[np.isin(whole, part)], part)


@pytest.mark.parametrize("name", ["audio profile", "mean profile", "content", "popularity"])
def test_all_items_are_ranked_where_none_are_proposed_first(
    name: str, catalog: Catalog, history: History, excluded: np.ndarray
) -> None:
    recommender = MAKERS[name][1](catalog, history, catalog)
    whole = recommender.rank(history, excluded, N).positions
    assert sorted(whole.tolist()) == np.flatnonzero(~excluded).tolist()
    np.testing.assert_array_equal(recommender.rank(history, excluded, 20).positions, whole[:20])


def test_scores_agree_with_the_ranking(recommender: Recommender, history: History, excluded: np.ndarray) -> None:
    found = recommender.rank(history, excluded, 60)
    np.testing.assert_allclose(recommender.scores(history, found.positions), found.scores, rtol=1e-5, atol=1e-6)
    backwards = recommender.scores(history, found.positions[::-1])
    np.testing.assert_allclose(backwards[::-1], found.scores, rtol=1e-5, atol=1e-6)
    everything = recommender.scores(history, np.arange(N))
    assert everything.shape == (N,)
    assert everything.dtype == found.scores.dtype == np.float32
    assert np.isfinite(everything).all()


@pytest.mark.parametrize("limit", [0, 1, 10_000])
def test_the_limit_holds(recommender: Recommender, history: History, excluded: np.ndarray, limit: int) -> None:
    assert len(recommender.rank(history, excluded, limit)) == min(limit, int((~excluded).sum()))


def test_where_all_is_excluded_nothing_is_found(recommender: Recommender, history: History) -> None:
    assert len(recommender.rank(history, np.ones(N, dtype=np.bool_), 5)) == 0
    assert recommender.scores(history, np.zeros(0, dtype=np.intp)).shape == (0,)


def test_the_same_training_gives_the_same_answer(
    maker: tuple[ModelKind, Make], recommender: Recommender, catalog: Catalog, history: History, excluded: np.ndarray
) -> None:
    first, second = recommender.rank(history, excluded, 50), maker[1](catalog, history, catalog)
    for again in (recommender.rank(history, excluded, 50), second.rank(history, excluded, 50)):
        np.testing.assert_array_equal(again.positions, first.positions)
        np.testing.assert_array_equal(again.scores, first.scores)


def test_it_answers_for_an_empty_history(recommender: Recommender, catalog: Catalog, excluded: np.ndarray) -> None:
    found = recommender.rank(nothing(catalog), excluded, 10)
    assert len(found) == 10
    assert np.isfinite(found.scores).all()


def test_it_answers_on_an_empty_catalog(maker: tuple[ModelKind, Make], catalog: Catalog, history: History) -> None:
    empty = library(0)
    recommender = maker[1](catalog, history, empty)
    assert len(recommender.rank(nothing(empty), np.zeros(0, dtype=np.bool_), 10)) == 0


def test_it_answers_on_a_catalog_of_which_nothing_is_known(
    maker: tuple[ModelKind, Make], catalog: Catalog, history: History
) -> None:
    bare = catalog_of(np.full((12, 9), np.nan, dtype=np.float32), artists=[""] * 12)
    found = maker[1](catalog, history, bare).rank(nothing(bare), np.zeros(12, dtype=np.bool_), 12)
    assert sorted(found.positions.tolist()) == list(range(12))
    assert np.isfinite(found.scores).all()


def test_it_leaves_what_it_is_given_as_it_was(recommender: Recommender, history: History, excluded: np.ndarray) -> None:
    before = excluded.copy(), history.positions.copy(), history.plays.copy()
    recommender.rank(history, excluded, 30)
    after = excluded, history.positions, history.plays
    for was, is_now in zip(before, after, strict=True):
        np.testing.assert_array_equal(was, is_now)
    positions = np.arange(5)
    recommender.scores(history, positions)[:] = 0
    assert np.abs(recommender.scores(history, np.arange(N))).max() > 0
