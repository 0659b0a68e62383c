"""M2 learns which terms a user wants, keeps them in bounded files and ranks by them."""

import io
import json

import numpy as np
import pytest
from content_library import made_up_catalog, text_catalog
from numpy.testing import assert_allclose, assert_array_equal

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders import content
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.content_files import MODEL, WEIGHTS
from models.recommenders.content_space import build_content_space
from models.recommenders.content_svm import draw_sample
from models.recommenders.history import History, plays_only

N = 3_000


@pytest.fixture(scope="module")
def catalog():
    return made_up_catalog(N)


@pytest.fixture(scope="module")
def space(catalog):
    return build_content_space(catalog)


def of_genre(catalog, name):
    return np.flatnonzero(catalog.genres[:, [catalog.genre_names.index(name)]].toarray()[:, 0])


def listens_to(catalog, name, count):
    return plays_only(of_genre(catalog, name)[:count], np.full(count, 9, dtype=np.float32))


@pytest.fixture(scope="module")
def history(catalog):
    """A listener of one genre."""
    return listens_to(catalog, "genre3", 40)


@pytest.fixture(scope="module")
def trained(space, history):
    return train_content(space, history)


@pytest.fixture(scope="module")
def recommender(trained, space):
    return ContentRecommender.from_files(trained.files, space)


def excluded(history):
    mask = np.zeros(N, dtype=np.bool_)
    mask[history.positions] = True
    return mask


def test_it_finds_the_genre_and_says_so(trained, recommender, history, catalog):
    found = recommender.rank(history, excluded(history), 100)
    assert len(found) == 100
    assert not set(found.positions) & set(history.positions)
    assert np.isin(found.positions, of_genre(catalog, "genre3")).mean() > 0.95
    assert "genre:genre3" in trained.metrics["top_terms"][:3]


def test_the_model_knows_more_than_the_centroid(trained, space, catalog):
    """Without any history of now, what was learned ranks alone."""
    nothing = plays_only(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    recommender = ContentRecommender.from_files(trained.files, space)
    found = recommender.rank(nothing, np.zeros(N, dtype=np.bool_), 100)
    assert np.isin(found.positions, of_genre(catalog, "genre3")).mean() > 0.95


def test_what_the_user_plays_since_the_training_moves_the_ranking(recommender, history, catalog):
    newer = listens_to(catalog, "genre5", 40)
    others = of_genre(catalog, "genre5")[40:]
    assert recommender.scores(newer, others).mean() > recommender.scores(history, others).mean()


def test_scores_are_those_of_the_ranking(recommender, history):
    found = recommender.rank(history, excluded(history), 50)
    assert_array_equal(recommender.scores(history, found.positions), found.scores)
    assert recommender.kind == ModelKind.M2
    assert recommender.scores(history, np.empty(0, dtype=np.intp)).shape == (0,)


def test_the_same_seed_gives_the_same_files(space, history, trained):
    again = train_content(space, history)
    assert dict(again.files) == dict(trained.files)
    assert again.metrics == trained.metrics


def test_the_sample_never_holds_a_wanted_item_as_a_negative(history):
    k = len(history)
    mixed = History(
        history.positions,
        owned=np.arange(k) >= 10,
        plays=np.zeros(k, dtype=np.float32),
        skips=np.where(np.arange(k) < 10, 3, 0).astype(np.float32),
        likes=np.where(np.arange(k) >= 35, -1, 0).astype(np.int8),
        age_days=np.zeros(k, dtype=np.float32),
    )
    sample = draw_sample(N, mixed, 0)
    wanted = set(history.positions[10:35].tolist())
    assert set(sample.positions[sample.wanted].tolist()) == wanted
    negatives = sample.positions[~sample.wanted].tolist()
    assert not wanted & set(negatives)
    assert {*history.positions[:10].tolist(), *history.positions[35:].tolist()} <= set(negatives)
    assert len(set(sample.positions.tolist())) == len(sample.positions)
    certain = np.isin(sample.positions, history.positions[:10])
    drawn = ~np.isin(sample.positions, history.positions)
    assert sample.weights[certain].min() > sample.weights[drawn].max() > 0
    assert_allclose(sample.weights[sample.wanted].sum(), 25)


def test_a_dislike_counts_against_what_is_like_it(space, catalog, history):
    disliked = of_genre(catalog, "genre5")[:10]
    positions = np.sort(np.concatenate([history.positions, disliked]))
    likes = np.where(np.isin(positions, disliked), -1, 0).astype(np.int8)
    k = len(positions)
    unhappy = History(positions, likes >= 0, *np.zeros((2, k), np.float32), likes, np.zeros(k, dtype=np.float32))
    content_user = unhappy.take(likes >= 0)
    others = of_genre(catalog, "genre5")[10:]
    models = [
        ContentRecommender.from_files(train_content(space, each).files, space) for each in (unhappy, content_user)
    ]
    against, neutral = (model.scores(content_user, others).mean() for model in models)
    assert against < neutral


def test_a_user_who_has_the_whole_library_still_gets_a_model():
    space = build_content_space(text_catalog([("a", "x", None, ["pop"])] * 3 + [("b", "y", None, ["rock"])] * 3))
    everything = plays_only(np.arange(6), np.array([9, 9, 9, 1, 1, 1], dtype=np.float32))
    model = train_content(space, everything)
    assert (model.metrics["terms"], model.metrics["drawn"]) == (0, 0)
    found = ContentRecommender.from_files(model.files, space).rank(everything, np.zeros(6, dtype=np.bool_), 3)
    assert_array_equal(found.positions, [0, 1, 2])


def test_a_library_whose_tracks_have_nothing_in_common():
    space = build_content_space(text_catalog([(f"artist{at}", f"title{at}", None, []) for at in range(20)]))
    some = plays_only(np.arange(8), np.full(8, 2, dtype=np.float32))
    model = train_content(space, some)
    assert model.metrics["terms"] == 0
    assert np.isfinite(ContentRecommender.from_files(model.files, space).scores(some, np.arange(20))).all()


@pytest.mark.parametrize("count", [0, 4])
def test_too_little_history(space, catalog, count):
    with pytest.raises(PermanentError) as caught:
        train_content(space, listens_to(catalog, "genre3", count))
    assert caught.value.code == "too-little-history"
    assert str(count) in caught.value.message


def test_five_wanted_tracks_are_enough(space, catalog):
    few = listens_to(catalog, "genre3", 5)
    model = ContentRecommender.from_files(train_content(space, few).files, space)
    found = model.rank(few, excluded(few), 20)
    assert np.isin(found.positions, of_genre(catalog, "genre3")).mean() > 0.9


def test_files_hold_terms_and_no_positions_and_work_in_a_library_that_grew(trained, catalog, history):
    grown = build_content_space(
        text_catalog(
            [("newcomer", "first", None, ["jazz"])] * 5
            + [
                (catalog.artists[at], catalog.titles[at], None, ["genre3" if at in history.positions else "other"])
                for at in range(300)
            ]
        )
    )
    nothing = plays_only(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    model = ContentRecommender.from_files(trained.files, grown)
    found = model.rank(nothing, np.zeros(len(grown), dtype=np.bool_), 10)
    assert set(found.positions - 5) & set(history.positions)
    assert all(":" in term for term in json.loads(trained.files[MODEL])["terms"])


def test_files_are_bounded(monkeypatch, space, history, trained, catalog):
    monkeypatch.setattr(content, "_MOST_TERMS", 25)
    small = train_content(space, history)
    assert small.metrics["terms"] == 25
    assert small.metrics["terms"] + small.metrics["terms_dropped"] >= trained.metrics["terms"]
    assert len(json.loads(small.files[MODEL])["terms"]) == 25
    found = ContentRecommender.from_files(small.files, space).rank(history, excluded(history), 50)
    assert np.isin(found.positions, of_genre(catalog, "genre3")).mean() > 0.9


def _packed(weights):
    buffer = io.BytesIO()
    np.savez(buffer, weights=weights)
    return buffer.getvalue()


def _model(**changes):
    return json.dumps(
        {"format": 1, "spread": 1.0, "centroid_spread": 1.0, "terms": ["genre:genre3"], **changes}
    ).encode()


ONE = np.ones(1, dtype=np.float32)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {MODEL: _model()},
        {MODEL: b"\xff", WEIGHTS: _packed(ONE)},
        {MODEL: b"[]", WEIGHTS: _packed(ONE)},
        {MODEL: _model(format=2), WEIGHTS: _packed(ONE)},
        {MODEL: _model(spread=0), WEIGHTS: _packed(ONE)},
        {MODEL: _model(spread=None), WEIGHTS: _packed(ONE)},
        {MODEL: _model(terms=["a:b", "c:d"]), WEIGHTS: _packed(ONE)},
        {MODEL: _model(terms=[7]), WEIGHTS: _packed(ONE)},
        {MODEL: _model(), WEIGHTS: _packed(np.array([np.nan], dtype=np.float32))},
        {MODEL: _model(), WEIGHTS: _packed(np.array([{"a": 1}], dtype=object))},
        {MODEL: _model(), WEIGHTS: _packed(ONE)[:40]},
        {MODEL: _model(), WEIGHTS: b""},
    ],
    ids=range(13),
)
def test_files_that_cannot_be_used(files, space):
    with pytest.raises(PermanentError) as caught:
        ContentRecommender.from_files(files, space)
    assert caught.value.code == "user-model-corrupt"


def test_files_by_hand_can_be_used(space, catalog):
    model = ContentRecommender.from_files({MODEL: _model(), WEIGHTS: _packed(ONE)}, space)
    nothing = plays_only(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    found = model.rank(nothing, np.zeros(N, dtype=np.bool_), 100)
    assert np.isin(found.positions, of_genre(catalog, "genre3")).all()
