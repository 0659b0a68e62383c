"""The gate of users' models: what is held out stays held out, and a worse version does not get in."""

from dataclasses import replace

import numpy as np
import pytest

from core.user_models import ModelKind
from models.recommenders.catalog import Catalog, genre_columns
from models.recommenders.history import History, plays_only
from models.recommenders.protocol import Scored
from services.personal.gate import Figures, UnusableScoresError, auc, item_hashes, judge, others, saw_everything, split

N = 3_000
M2 = ModelKind.M2


def catalog(item_ids: np.ndarray) -> Catalog:
    n = len(item_ids)
    genres, names = genre_columns([[]] * n)
    features = np.full((n, 9), 0.5, np.float32)
    return Catalog(item_ids, ["a"] * n, ["t"] * n, [None] * n, genres, names, features, np.zeros(n, np.float32))


LIBRARY = catalog(np.arange(5, 5 + 2 * N, 2))


def played(n: int, seed: int = 0) -> History:
    positions = np.sort(np.random.default_rng(seed).choice(N, n, replace=False))
    return plays_only(positions, np.ones(n, np.float32))


class Scorer:
    """Gives each item the score it was told."""

    kind = ModelKind.M1

    def __init__(self, scores: np.ndarray) -> None:
        self._scores = scores

    def rank(self, history, excluded, limit) -> Scored:
        raise AssertionError("the gate ranks nothing")

    def scores(self, history, positions) -> np.ndarray:
        return self._scores[positions].astype(np.float32)


def test_a_tenth_is_held_out_and_never_learned():
    history = played(1_000)
    parts = split(LIBRARY, history, M2)
    assert 70 < len(parts.held_out) < 130
    assert not set(parts.held_out) & set(parts.fit.positions)
    assert set(parts.held_out) | set(parts.fit.positions) == set(history.positions)


def test_what_is_held_out_depends_on_the_id_alone():
    """Neither on what else the user has, nor on where the item lies in the catalog."""
    history = played(400)
    smaller = history.take(np.arange(0, 400, 2))
    held = set(split(LIBRARY, history, M2).held_out)
    assert set(split(LIBRARY, smaller, M2).held_out) == held & set(smaller.positions)
    grown = catalog(np.arange(4, 6 + 2 * N))
    moved = grown.find(LIBRARY.item_ids[history.positions])
    again = split(grown, plays_only(moved, history.plays), M2)
    assert set(grown.item_ids[again.held_out]) == set(LIBRARY.item_ids[sorted(held)])


def test_unwanted_items_are_neither_asked_for_nor_learned_where_they_would_be_held_out():
    history = played(400)
    disliked = replace(history, likes=np.full(400, -1, np.int8))
    half = np.arange(400) < 200
    mixed = replace(history, likes=np.where(half, 0, -1).astype(np.int8))
    assert not len(split(LIBRARY, disliked, M2).held_out)
    assert set(split(LIBRARY, mixed, M2).held_out) <= set(history.positions[half])


@pytest.mark.parametrize(("n", "any_held_out"), [(29, False), (30, True)])
def test_of_a_short_history_nothing_is_held_out(n, any_held_out):
    held_out = [len(split(LIBRARY, played(n, seed), M2).held_out) for seed in range(10)]
    assert any(held_out) == any_held_out
    if not any_held_out:
        assert len(split(LIBRARY, played(n), M2).fit) == n


@pytest.mark.parametrize(("kind", "any_held_out"), [(ModelKind.M1, False), (ModelKind.M2, True), (ModelKind.M3, True)])
def test_m1_spares_nothing_where_few_items_have_features(kind, any_held_out):
    """It needs ten of them; of forty items a tenth might be just those."""
    history = played(40)
    features = np.full((N, 9), np.nan, np.float32)
    features[history.positions[:10]] = 0.5
    held_out = split(replace(LIBRARY, features=features), history, kind).held_out
    assert bool(len(held_out)) == any_held_out


def test_the_others_stay_the_same_and_are_not_the_user_s():
    history = played(500)
    first = others(LIBRARY, history)
    assert len(first) == 1_000
    assert not set(first) & set(history.positions)
    assert len(set(first) & set(others(LIBRARY, played(500, seed=1)))) > 700
    assert len(others(LIBRARY, played(N - 10))) == 10


def test_hashes_are_well_mixed():
    hashes = item_hashes(np.arange(100_000), 0)
    assert len(np.unique(hashes)) == 100_000
    counts = np.bincount((hashes % np.uint64(10)).astype(int))
    assert np.abs(counts - 10_000).max() < 400
    assert not np.array_equal(hashes, item_hashes(np.arange(100_000), 1))


def test_auc_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    chance = np.random.default_rng(3)
    history = played(600)
    history = replace(history, age_days=chance.uniform(0, 400, 600).astype(np.float32))
    parts, rest = split(LIBRARY, history, M2), others(LIBRARY, history)
    scores = np.round(chance.normal(size=N), 1)
    scores[parts.held_out] += 0.7
    truth = np.r_[np.ones(len(parts.held_out)), np.zeros(len(rest))]
    weights = np.r_[parts.weights, np.ones(len(rest))]
    expected = roc_auc_score(truth, scores[np.r_[parts.held_out, rest]].astype(np.float32), sample_weight=weights)
    assert auc(Scorer(scores), parts, rest) == pytest.approx(expected, abs=1e-9)


def test_what_the_user_wants_now_counts_more_than_what_they_wanted_once():
    """Two tastes of two hundred items; the old one weighs a sixteenth."""
    history = played(400)
    old = np.arange(400) < 200
    history = replace(history, age_days=np.where(old, 720, 0).astype(np.float32))
    parts, rest = split(LIBRARY, history, M2), others(LIBRARY, history)
    knows_old, knows_new = np.zeros(N), np.zeros(N)
    knows_old[history.positions[old]] = knows_new[history.positions[~old]] = 1
    assert auc(Scorer(knows_old), parts, rest) < 0.6
    assert auc(Scorer(knows_new), parts, rest) > 0.9


def test_no_auc_without_items_and_none_from_scores_that_are_no_numbers():
    parts = split(LIBRARY, played(10), M2)
    assert auc(Scorer(np.zeros(N)), parts, others(LIBRARY, parts.fit)) is None
    with pytest.raises(UnusableScoresError, match="not finite"):
        auc(Scorer(np.full(N, np.nan)), parts, others(LIBRARY, parts.fit))


@pytest.mark.parametrize(
    ("own", "serving", "passed"),
    [(0.8, 0.8, True), (0.79, 0.8, True), (0.77, 0.8, False), (0.2, None, True), (None, None, True)],
)
def test_a_version_may_be_a_little_worse_and_no_more(own, serving, passed):
    verdict, reason = judge(Figures(50, 1000, own, serving), 0.02)
    assert verdict is passed
    if serving is not None:
        assert f"{own:.3f}" in reason
        assert f"{serving:.3f}" in reason


def test_a_version_that_saw_everything_cannot_be_compared():
    assert saw_everything({})
    assert saw_everything({"gate": {"held_out": 0}})
    assert not saw_everything({"gate": {"held_out": 3}})
