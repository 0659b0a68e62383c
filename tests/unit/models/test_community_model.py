"""The community's model: trained, written, bound to a catalog that has changed."""

import dataclasses

import numpy as np
import pytest
from made_listeners import N_ITEMS, closed_to, made_catalog, made_history, owned_history, scene_of

from core.errors import PermanentError
from models.recommenders.catalog import Catalog
from models.recommenders.collaborative import CollaborativeRecommender
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.protocol import TrainedModel
from models.recommenders.ranker import RankerOptions

OPTIONS = CommunityOptions(folds=1, ranker=RankerOptions(trees=30))


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train_community(
        made_catalog(), [made_history(seed) for seed in range(80)], OPTIONS, lambda done, total: None
    )


def without(catalog: Catalog, gone: int) -> Catalog:
    """The catalog less one item, and with a new one before all others."""
    rows = np.setdiff1d(np.arange(N_ITEMS), [gone])
    order = np.concatenate([[gone], rows])
    ids = np.concatenate([[1], catalog.item_ids[rows]])
    return Catalog(
        item_ids=ids,
        artists=[catalog.artists[row] for row in order],
        titles=[catalog.titles[row] for row in order],
        albums=[None] * N_ITEMS,
        genres=catalog.genres[order],
        genre_names=catalog.genre_names,
        features=catalog.features[order],
        popularity=catalog.popularity[order],
    )


def test_a_listener_gets_items_of_their_scenes(trained: TrainedModel) -> None:
    catalog = made_catalog()
    model = CommunityModel.from_files(trained.files, catalog)
    recommender = CollaborativeRecommender.from_files(None, catalog, model, ())
    history = made_history(500)
    ranked = recommender.rank(history, closed_to(history), 20)
    assert len(ranked) == 20
    assert not np.isin(ranked.positions, history.positions).any()
    assert np.isin(scene_of(ranked.positions), scene_of(history.positions)).mean() >= 0.9
    np.testing.assert_allclose(recommender.scores(history, ranked.positions), ranked.scores, atol=1e-5)


def test_progress_reaches_its_total() -> None:
    seen: list[tuple[int, int]] = []
    train_community(made_catalog(), [made_history(seed) for seed in range(30)], OPTIONS, lambda *at: seen.append(at))
    assert seen == [(step, 31) for step in range(1, 32)]


def test_two_trainings_are_the_same(trained: TrainedModel) -> None:
    again = train_community(made_catalog(), [made_history(seed) for seed in range(80)], OPTIONS, lambda *at: None)
    catalog, positions, history = made_catalog(), np.arange(N_ITEMS), made_history(500)
    scores = [
        CollaborativeRecommender.from_files(None, catalog, CommunityModel.from_files(files, catalog), ()).scores(
            history, positions
        )
        for files in (trained.files, again.files)
    ]
    np.testing.assert_array_equal(*scores)


def test_items_keep_their_knowledge_when_positions_move(trained: TrainedModel) -> None:
    catalog, gone = made_catalog(), 5
    changed = without(catalog, gone)
    before, after = (CommunityModel.from_files(trained.files, each).generators for each in (catalog, changed))
    kept = np.setdiff1d(np.arange(N_ITEMS), [gone])
    moved = changed.find(catalog.item_ids[kept])
    np.testing.assert_array_equal(before.listeners[kept], after.listeners[moved])
    np.testing.assert_array_equal(before.als.items[kept], after.als.items[moved])
    np.testing.assert_array_equal(
        before.knn.similarity.toarray()[np.ix_(kept, kept)], after.knn.similarity.toarray()[np.ix_(moved, moved)]
    )
    np.testing.assert_array_equal(before.ease.columns[kept].toarray(), after.ease.columns[moved].toarray())
    assert after.listeners[0] == 0
    assert not after.als.items[0].any()


def test_new_items_and_users_without_history_are_served(trained: TrainedModel) -> None:
    changed = without(made_catalog(), 5)
    model = CommunityModel.from_files(trained.files, changed)
    recommender = CollaborativeRecommender.from_files(None, changed, model, ())
    assert np.isfinite(recommender.scores(owned_history(np.arange(20, 40)), np.array([0, 1]))).all()
    nobody = owned_history(np.array([], dtype=np.intp))
    ranked = recommender.rank(nobody, np.zeros(N_ITEMS, dtype=np.bool_), 10)
    listeners = model.generators.listeners
    np.testing.assert_array_equal(listeners[ranked.positions], np.sort(listeners)[::-1][:10])


def test_the_artifact_is_small(trained: TrainedModel) -> None:
    assert sum(len(content) for content in trained.files.values()) < 2_000_000
    assert set(trained.files) == {"generators.npz", "ranker.cbm"}


@pytest.mark.parametrize("name", ["generators.npz", "ranker.cbm"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_artifact_is_refused(trained: TrainedModel, name: str, content: bytes | None) -> None:
    files = dict(trained.files)
    if content is None:
        del files[name]
    else:
        files[name] = content
    with pytest.raises(PermanentError) as caught:
        CommunityModel.from_files(files, made_catalog())
    assert caught.value.code == "user-model-corrupt"
    assert name in caught.value.message


def test_too_few_users_are_refused() -> None:
    with pytest.raises(PermanentError) as caught:
        train_community(made_catalog(), [made_history(1)], OPTIONS, lambda *at: None)
    assert caught.value.code == "too-little-history"


def test_users_with_nothing_in_common_are_refused() -> None:
    catalog = dataclasses.replace(made_catalog(), genres=made_catalog().genres * 0)
    apart = [owned_history(np.arange(start, start + 5)) for start in (0, 200)]
    with pytest.raises(PermanentError) as caught:
        train_community(catalog, apart, dataclasses.replace(OPTIONS, held_out=0.01), lambda *at: None)
    assert caught.value.code == "too-little-history"
