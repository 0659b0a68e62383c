"""One user's M3: fine-tuned or trained alone."""

import dataclasses
import json

import numpy as np
import pytest
from catboost import CatBoost
from made_listeners import N_ITEMS, closed_to, made_catalog, made_history, owned_history, scene_of

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.candidates import CANDIDATES
from models.recommenders.collaborative import CollaborativeRecommender, train_collaborative
from models.recommenders.collaborative_training import training_rows
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.history import History
from models.recommenders.protocol import Scored, best_first
from models.recommenders.ranker import USER_TREES, RankerOptions
from models.recommenders.stack_features import COLUMNS


@pytest.fixture(scope="module")
def community() -> CommunityModel:
    options = CommunityOptions(folds=1, ranker=RankerOptions(trees=30))
    trained = train_community(made_catalog(), [made_history(seed) for seed in range(80)], options, lambda *at: None)
    return CommunityModel.from_files(trained.files, made_catalog())


class Upward:
    """A companion that likes later positions."""

    kind = ModelKind.M1

    def rank(self, history: History, excluded: np.ndarray, limit: int) -> Scored:
        return best_first(np.arange(N_ITEMS, dtype=np.float32), excluded, limit)

    def scores(self, history: History, positions: np.ndarray) -> np.ndarray:
        return positions.astype(np.float32)


def test_a_user_gets_trees_of_their_own_on_top_of_the_community(community: CommunityModel) -> None:
    catalog, history = made_catalog(), made_history(500)
    trained = train_collaborative(catalog, history, community, ())
    assert (trained.kind, set(trained.files)) == (ModelKind.M3, {"user.cbm", "card.json"})
    card = json.loads(trained.files["card.json"])
    assert card["columns"] == list(COLUMNS)
    assert card["fine_tuned"] is True
    model = CatBoost().load_model(blob=trained.files["user.cbm"])
    assert model.tree_count_ == community.ranker.model.tree_count_ + USER_TREES


@pytest.mark.parametrize("alone", [True, False])
def test_it_recommends_what_the_user_likes(community: CommunityModel, alone: bool) -> None:
    catalog, history = made_catalog(), made_history(500)
    shared = None if alone else community
    trained = train_collaborative(catalog, history, shared, ())
    recommender = CollaborativeRecommender.from_files(trained.files, catalog, shared, ())
    ranked = recommender.rank(history, closed_to(history), 20)
    assert recommender.is_personal
    assert not np.isin(ranked.positions, history.positions).any()
    assert np.isin(scene_of(ranked.positions), scene_of(history.positions)).mean() >= 0.9
    np.testing.assert_allclose(recommender.scores(history, ranked.positions), ranked.scores, atol=1e-5)


def test_training_is_the_same_every_time(community: CommunityModel) -> None:
    catalog, history = made_catalog(), made_history(500)
    found = [
        CollaborativeRecommender.from_files(
            train_collaborative(catalog, history, community, ()).files, catalog, community, ()
        ).scores(history, np.arange(N_ITEMS))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*found)


def test_a_scene_that_is_disliked_goes_down(community: CommunityModel) -> None:
    catalog, liked = made_catalog(), owned_history(np.concatenate([np.arange(0, 20), np.arange(40, 60)]))
    likes = np.zeros(40, dtype=np.int8)
    likes[20:] = -1
    disliked = dataclasses.replace(liked, likes=likes)
    asked = np.concatenate([np.arange(20, 40), np.arange(60, 80)])

    def gap(history: History) -> float:
        files = train_collaborative(catalog, history, community, ()).files
        scores = CollaborativeRecommender.from_files(files, catalog, community, ()).scores(history, asked)
        return float(scores[:20].mean() - scores[20:].mean())

    assert gap(disliked) > gap(liked) + 0.5


@pytest.mark.parametrize(
    "rejected", [{"likes": np.int8(-1)}, {"skips": np.float32(6), "owned": False}], ids=["dislikes", "skips"]
)
def test_own_trees_lower_what_is_near_to_the_rejected(community: CommunityModel, rejected: dict) -> None:
    catalog, liked = made_catalog(), owned_history(np.concatenate([np.arange(0, 20), np.arange(40, 60)]))
    columns = {name: getattr(liked, name).copy() for name in rejected}
    for name, value in rejected.items():
        columns[name][20:] = value
    history = dataclasses.replace(liked, **columns)
    files = train_collaborative(catalog, history, community, ()).files
    asked = np.concatenate([np.arange(20, 40), np.arange(60, 80)])
    own, common = (
        CollaborativeRecommender.from_files(each, catalog, community, ()).scores(history, asked)
        for each in (files, None)
    )
    moved = own - common
    assert moved[:20].mean() - moved[20:].mean() > 0.15


def test_dislikes_and_skips_are_examples_of_the_unwanted(community: CommunityModel) -> None:
    plain = owned_history(np.arange(0, 12))
    likes, skips, owned = plain.likes.copy(), plain.skips.copy(), plain.owned.copy()
    likes[0], skips[1], owned[1] = -1, 5, False
    touched = dataclasses.replace(plain, likes=likes, skips=skips, owned=owned)
    rows, before = (
        training_rows(made_catalog(), touched, community, ()),
        training_rows(made_catalog(), plain, community, ()),
    )
    assert (before.wanted.sum(), rows.wanted.sum()) == (12, 10)
    assert (rows.weights[~rows.wanted] > 1).sum() == 2
    assert not (before.weights[~before.wanted] > 1).any()


def test_with_a_community_no_candidate_is_left_out_by_chance(community: CommunityModel) -> None:
    found = [training_rows(made_catalog(), owned_history(np.arange(0, 12)), community, (), seed) for seed in range(2)]
    np.testing.assert_array_equal(found[0].columns, found[1].columns)
    assert (~found[0].wanted).sum() >= CANDIDATES


def test_what_is_played_more_and_later_weighs_more(community: CommunityModel) -> None:
    plain = owned_history(np.arange(0, 12))
    plays, age = plain.plays.copy(), plain.age_days.copy()
    plays[3], age[5] = 40, 500
    rows = training_rows(made_catalog(), dataclasses.replace(plain, plays=plays, age_days=age), community, ())
    weights = np.sort(rows.weights[rows.wanted])
    assert weights[0] < weights[1]
    assert weights[-1] > weights[-2]


def test_companions_propose_always_and_speak_where_no_community_does(community: CommunityModel) -> None:
    catalog, history = made_catalog(), made_history(500)
    alone = training_rows(catalog, history, None, (Upward(),))
    together = training_rows(catalog, history, community, (Upward(),))
    column = COLUMNS.index("companion_m1")
    assert np.isfinite(alone.columns[:, column]).all()
    assert np.isnan(together.columns[:, column]).all()
    recommender = CollaborativeRecommender.from_files(None, catalog, community, (Upward(),))
    ranked = recommender.rank(history, closed_to(history), N_ITEMS)
    best = np.setdiff1d(np.arange(N_ITEMS), history.positions)[-50:]
    assert np.isin(best, ranked.positions).all()


def test_without_any_model_the_popular_come_first() -> None:
    history = made_history(500)
    recommender = CollaborativeRecommender.from_files(None, made_catalog(), None, ())
    expected = np.setdiff1d(np.arange(N_ITEMS), history.positions)[::-1][:10]
    assert recommender.rank(history, closed_to(history), 10).positions.tolist() == expected.tolist()


def test_who_wants_everything_is_refused() -> None:
    everything = owned_history(np.arange(N_ITEMS))
    with pytest.raises(PermanentError, match="every track") as caught:
        train_collaborative(made_catalog(), everything, None, ())
    assert caught.value.code == "too-little-history"


def test_too_little_history_is_refused(community: CommunityModel) -> None:
    with pytest.raises(PermanentError) as caught:
        train_collaborative(made_catalog(), owned_history(np.arange(4)), community, ())
    assert caught.value.code == "too-little-history"


@pytest.mark.parametrize("damage", ["missing", "nonsense", "other columns"])
def test_files_that_do_not_fit_are_refused(community: CommunityModel, damage: str) -> None:
    files = dict(train_collaborative(made_catalog(), made_history(500), community, ()).files)
    if damage == "missing":
        del files["user.cbm"]
    elif damage == "nonsense":
        files["user.cbm"] = b"nonsense"
    else:
        files["user.cbm"] = other_columns()
    with pytest.raises(PermanentError) as caught:
        CollaborativeRecommender.from_files(files, made_catalog(), community, ())
    assert caught.value.code == "user-model-corrupt"
    assert "user.cbm" in caught.value.message


def other_columns() -> bytes:
    """A good CatBoost model that is none of ours."""
    import tempfile
    from pathlib import Path

    model = CatBoost({"iterations": 2, "allow_writing_files": False, "verbose": False})
    model.fit(np.arange(20.0).reshape(10, 2), np.arange(10))
    with tempfile.NamedTemporaryFile(suffix=".cbm") as file:
        model.save_model(file.name)
        return Path(file.name).read_bytes()
