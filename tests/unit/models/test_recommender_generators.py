"""EASE, ALS, item-kNN and popularity against their definitions."""

import sys

import numpy as np
import pytest
from made_listeners import made_catalog, owned_history
from scipy.sparse import csr_array, csr_matrix

from core.errors import ConfigurationError
from models.recommenders.als import Als
from models.recommenders.ease import Ease
from models.recommenders.history import plays_only
from models.recommenders.interaction_matrix import genre_rows, history_rows, stacked
from models.recommenders.item_knn import ItemKnn
from models.recommenders.popularity import Popularity


@pytest.fixture
def rows() -> csr_array:
    """30 users over 50 items, two of which nobody has."""
    rng = np.random.default_rng(5)
    dense = rng.gamma(2, 0.5, (30, 50)) * (rng.random((30, 50)) < 0.2)
    dense[:, [7, 33]] = 0
    return csr_array(dense.astype(np.float32))


def primal_weights(rows: csr_array, penalty: float) -> np.ndarray:
    """B of the paper, in double precision."""
    dense = rows.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + penalty * np.eye(dense.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def test_ease_in_its_dual_form_is_ease(rows: csr_array) -> None:
    scores = Ease.fit(rows, penalty=3.0).score_many(rows)
    np.testing.assert_allclose(scores, rows.toarray() @ primal_weights(rows, 3.0), atol=2e-5)


def test_ease_folds_in_a_user_it_has_not_seen(rows: csr_array) -> None:
    fitted = Ease.fit(rows[1:], penalty=3.0)
    expected = rows[[0], :].toarray()[0] @ primal_weights(rows[1:], 3.0)
    np.testing.assert_allclose(fitted.scores(rows[[0], :]), expected, atol=2e-5)


def test_ease_scores_one_user_as_it_scores_many(rows: csr_array) -> None:
    fitted = Ease.fit(rows, penalty=3.0)
    np.testing.assert_allclose(fitted.score_many(rows[[4], :]), fitted.score_many(rows)[[4]], atol=1e-5)


def test_ease_without_a_user_is_ease_fitted_without_them(rows: csr_array) -> None:
    user = rows[[0], :]
    without = Ease.fit(rows, penalty=3.0).score_without(user, user)
    np.testing.assert_allclose(without, Ease.fit(rows[1:], penalty=3.0).scores(user), atol=2e-5)
    assert np.abs(without - Ease.fit(rows, penalty=3.0).scores(user)).max() > 1e-3


def test_als_folds_in_as_the_library_does(rows: csr_array) -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    model = Als.fit(rows, factors=8, regularization=2.0, confidence=5.0)
    theirs = AlternatingLeastSquares(factors=8, regularization=2.0, alpha=5.0, random_state=0, num_threads=1)
    theirs.item_factors = model.items
    expected = theirs.recalculate_user(np.arange(30), csr_matrix(rows))
    np.testing.assert_allclose(model.fold_in(rows), expected, atol=1e-4)


def test_als_scores_an_own_item_as_if_it_were_not_had(rows: csr_array) -> None:
    model = Als.fit(rows, factors=8, regularization=2.0, confidence=5.0)
    user = rows[[3], :]
    item = int(user.indices[2])
    rest = user.toarray()
    rest[0, item] = 0
    expected = model.scores(csr_array(rest))[item]
    assert model.score_one(user)[item] == pytest.approx(expected, abs=1e-4)
    others = np.setdiff1d(np.arange(50), user.indices)
    np.testing.assert_allclose(model.score_one(user)[others], model.scores(user)[others], atol=1e-5)


def test_als_knows_nothing_of_items_without_listeners(rows: csr_array) -> None:
    model = Als.fit(rows, factors=8)
    assert not model.items[[7, 33]].any()
    assert not model.score_many(rows)[:, [7, 33]].any()


def test_als_is_the_same_on_every_run_and_warns_of_nothing(
    rows: csr_array, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    np.testing.assert_array_equal(Als.fit(rows, factors=8).items, Als.fit(rows, factors=8).items)
    assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr().err == ""


def test_als_says_what_is_missing_where_its_library_cannot_be_loaded(
    rows: csr_array, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python does for a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(ConfigurationError, match="apt-get install libgomp1") as caught:
        Als.fit(rows)
    assert caught.value.code == "extra-missing"


def test_item_knn_keeps_the_nearest(rows: csr_array) -> None:
    dense = rows.toarray()
    norms = np.linalg.norm(dense, axis=0)
    cosine = (dense.T @ dense) / (norms[:, None] * norms[None, :] + 1.0)
    np.fill_diagonal(cosine, 0)
    kept = ItemKnn.fit(rows, neighbors=4, shrinkage=1.0).similarity.toarray()
    assert (np.count_nonzero(kept, axis=1) <= 4).all()
    np.testing.assert_allclose(np.sort(kept, axis=1)[:, -4:], np.sort(cosine, axis=1)[:, -4:], atol=1e-5)
    assert not np.diag(kept).any()


def test_popularity_counts_listeners_first() -> None:
    rows = csr_array(np.array([[9, 1, 1], [0, 1, 2]], dtype=np.float32))
    assert np.argsort(-Popularity.fit(rows).scores(rows[[0], :])).tolist() == [2, 1, 0]


def test_rows_of_histories_weigh_one_on_average_and_leave_out_what_is_not_wanted() -> None:
    history = plays_only(np.array([1, 4, 6]), np.array([1, 0, 100], dtype=np.float32))
    row = history_rows([history, owned_history(np.array([], dtype=np.intp))], 8)
    assert row.shape == (2, 8)
    assert row.indices.tolist() == [1, 6]
    assert row.data.mean() == pytest.approx(1.0)
    assert row.data[1] / row.data[0] == pytest.approx(np.log(101) / np.log(2), rel=1e-5)


def test_rows_of_genres_are_bounded_in_number_and_length() -> None:
    catalog = made_catalog()
    assert genre_rows(catalog, min_items=41).shape[0] == 1
    assert genre_rows(catalog, max_rows=2).shape[0] == 2
    heavy = genre_rows(catalog, weight=500.0)
    assert np.sqrt(heavy.power(2).sum(axis=1)).max() == pytest.approx(100.0, rel=1e-4)


def test_rows_of_genres_give_items_without_listeners_a_score() -> None:
    catalog = made_catalog()
    history = owned_history(np.arange(10))
    users = history_rows([history], len(catalog))
    alone = Ease.fit(users, penalty=5.0).scores(users)
    with_genres = Ease.fit(stacked(users, genre_rows(catalog)), penalty=5.0).scores(users)
    assert not alone[30:].any()
    assert with_genres[10:40].min() > with_genres[40:].max()
