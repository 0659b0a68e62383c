"""One ranking out of several models."""

import json

import numpy as np
import pytest

from core.errors import ConfigurationError
from core.user_models import ModelKind
from models.recommenders.history import History, plays_only
from models.recommenders.merging import (
    FEWEST_EXAMPLES,
    MergeExample,
    MergeWeights,
    default_weights,
    learn_weights,
    merge,
    read_weights,
    score_candidates,
)
from models.recommenders.protocol import Scored, best_first

M1, M2, M3 = ModelKind.M1, ModelKind.M2, ModelKind.M3
ALL = frozenset(ModelKind)


def scored(positions: list[int], scores: list[float] | None = None) -> Scored:
    values = scores if scores is not None else list(range(len(positions), 0, -1))
    return Scored(np.array(positions, dtype=np.intp), np.array(values, dtype=np.float32))


def weights(**shares: float) -> MergeWeights:
    own = {ModelKind(kind): share for kind, share in shares.items()}
    return MergeWeights({frozenset(own): own})


class Fixed:
    """A model whose scores of all items are given."""

    def __init__(self, kind: ModelKind, of_items: np.ndarray) -> None:
        self.kind = kind
        self.of_items = of_items.astype(np.float32)

    def rank(self, history: History, excluded: np.ndarray, limit: int) -> Scored:
        return best_first(self.of_items, excluded, limit)

    def scores(self, history: History, positions: np.ndarray) -> np.ndarray:
        return self.of_items[positions]


def history() -> History:
    return plays_only(np.array([0], dtype=np.intp), np.ones(1, np.float32))


def test_one_model_alone_keeps_its_order() -> None:
    merged = merge({M2: scored([5, 3, 9])}, default_weights())
    assert merged.positions.tolist() == [5, 3, 9]
    assert np.all(np.diff(merged.scores) < 0)


def test_scores_are_shares_and_the_order_does_not_depend_on_the_scale_of_a_model() -> None:
    first = merge({M1: scored([1, 2, 3]), M3: scored([3, 1, 2])}, weights(m1=0.4, m3=0.6))
    other = merge(
        {M1: scored([1, 2, 3], [1e6, 5, -3]), M3: scored([3, 1, 2], [0.3, 0.2, 0.1])}, weights(m1=0.4, m3=0.6)
    )
    assert first.positions.tolist() == other.positions.tolist()
    assert first.scores.tolist() == other.scores.tolist()
    assert 0 <= first.scores.min() <= first.scores.max() <= 1


def test_the_heavier_model_decides() -> None:
    both = {M1: scored([1, 2, 3, 4]), M3: scored([4, 3, 2, 1])}
    assert merge(both, weights(m1=0.9, m3=0.1)).positions[0] == 1
    assert merge(both, weights(m1=0.1, m3=0.9)).positions[0] == 4


def test_values_by_hand() -> None:
    merged = merge({M1: scored([7, 8]), M3: scored([8])}, weights(m1=0.5, m3=0.5))
    second = 1 - np.log(2) / np.log(3)
    # Both first places are worth 1; an item without a score is worth 0.
    assert merged.positions.tolist() == [8, 7]
    assert merged.scores == pytest.approx([0.5 * second + 0.5, 0.5])


def test_items_of_equal_scores_are_not_told_apart() -> None:
    merged = merge({M1: scored([1, 2, 3, 4], [9, 0, 0, 0])}, default_weights())
    assert merged.positions.tolist() == [1, 2, 3, 4]
    assert len(set(merged.scores[1:].tolist())) == 1


def test_a_model_that_knows_nothing_changes_nothing() -> None:
    informed = {M3: scored([4, 3, 2, 1])}
    blank = {M1: scored([1, 2, 3, 4], [0, 0, 0, 0])}
    order = merge(informed | blank, weights(m1=0.5, m3=0.5)).positions.tolist()
    assert order == [4, 3, 2, 1]


def test_nothing_from_nobody() -> None:
    assert len(merge({}, default_weights())) == 0
    assert len(merge({M1: scored([])}, default_weights())) == 0


def test_missing_models_leave_their_shares_to_the_others() -> None:
    learned = weights(m1=0.1, m2=0.3, m3=0.6)
    assert learned.of([M1, M2]) == pytest.approx({M1: 0.25, M2: 0.75})
    assert learned.of([M3]) == {M3: 1}
    assert learned.of([]) == {}


def test_a_learned_set_wins_over_scaling() -> None:
    both = MergeWeights({ALL: {M1: 0.1, M2: 0.3, M3: 0.6}, frozenset({M1, M2}): {M1: 0.9, M2: 0.1}})
    assert both.of([M2, M1]) == {M1: 0.9, M2: 0.1}


def test_where_only_models_without_a_share_are_left_they_share_alike() -> None:
    assert weights(m1=0, m2=0, m3=1).of([M1, M2]) == {M1: 0.5, M2: 0.5}


def test_candidates_are_the_union_scored_by_every_model() -> None:
    audio, behavior = Fixed(M1, np.array([9, 8, 7, 1, 0.5])), Fixed(M3, np.array([9, 0, 1, 2, 8]))
    excluded = np.array([True, False, False, False, False])
    found = score_candidates([audio, behavior], history(), excluded, limit=2)
    assert found[M1].positions.tolist() == [1, 2, 3, 4]
    assert found[M3].positions.tolist() == [4, 3, 2, 1]
    assert found[M3].scores.tolist() == [8, 2, 1, 0]


def test_without_models_there_are_no_candidates() -> None:
    assert score_candidates([], history(), np.zeros(3, dtype=np.bool_), 5) == {}


@pytest.fixture(scope="module")
def examples() -> list[MergeExample]:
    """M3 finds held-out items, M2 less well, M1 not at all."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(80):
        held_out = rng.choice(60, 5, replace=False)
        truth = np.isin(np.arange(60), held_out)
        noise = {M1: 50.0, M2: 1.5, M3: 0.6}
        own = {
            kind: best_first((truth + rng.normal(0, sigma, 60)).astype(np.float32), np.zeros(60, np.bool_), 60)
            for kind, sigma in noise.items()
        }
        found.append(MergeExample(own, np.sort(held_out)))
    return found


def test_weights_follow_what_models_are_worth(examples: list[MergeExample]) -> None:
    learned = learn_weights(examples)
    whole = learned.of(ALL)
    assert whole[M3] > whole[M2] > whole[M1]
    assert sum(whole.values()) == pytest.approx(1)
    assert learned.of([M1, M3])[M3] > 0.7
    assert 0.5 < learned.of([M2, M3])[M3] < 1
    assert learned.provenance["users"] == 80


def test_learned_weights_are_the_best_of_the_grid(examples: list[MergeExample]) -> None:
    from models.evaluation.ranking import find_hits, ndcg

    def gain(shares: MergeWeights) -> float:
        ranked = np.stack([merge({k: e.scored[k] for k in (M2, M3)}, shares).positions for e in examples])
        hits = find_hits(ranked, [example.held_out for example in examples], 60)
        return float(ndcg(hits, np.full(len(examples), 5), 100).mean())

    learned = gain(learn_weights(examples))
    others = [gain(weights(m2=part / 20, m3=1 - part / 20)) for part in range(21)]
    assert learned == pytest.approx(max(others), abs=1e-6)


def test_the_order_of_examples_makes_no_difference(examples: list[MergeExample]) -> None:
    assert learn_weights(examples[::-1]).shares == learn_weights(examples).shares


def test_users_whom_a_model_misses_count_for_the_other_sets_only(examples: list[MergeExample]) -> None:
    few = FEWEST_EXAMPLES - 1
    partial = [
        example if row < few else MergeExample({M2: example.scored[M2], M3: example.scored[M3]}, example.held_out)
        for row, example in enumerate(examples)
    ]
    learned = learn_weights(partial)
    assert learned.of([M2, M3]) == learn_weights(examples).of([M2, M3])
    # Too few users have all three, so the defaults stay.
    assert learned.of(ALL) == default_weights().of(ALL)


def test_without_examples_the_defaults_stay() -> None:
    assert learn_weights([]).shares == default_weights().shares


def test_weights_survive_their_file(examples: list[MergeExample]) -> None:
    learned = learn_weights(examples, {"data": "음악"})
    again = read_weights(learned.to_json())
    assert again.shares == learned.shares
    assert again.provenance == learned.provenance


@pytest.mark.parametrize("alone", [True, False])
def test_default_weights_are_of_all_sets_and_say_where_they_are_from(alone: bool) -> None:
    defaults = default_weights(alone=alone)
    assert {len(kinds) for kinds in defaults.shares} == {2, 3}
    assert {"data", "command", "users"} <= defaults.provenance.keys()


def test_what_differs_by_rounding_counts_as_equal() -> None:
    exact = {M1: scored([1, 2, 3, 4], [1.0, 0.5, 0.5, 0.0]), M2: scored([4, 3, 2, 1])}
    noisy = exact | {M1: scored([1, 3, 2, 4], [1.0, 0.5 + 6e-8, 0.5, 0.0])}
    one, other = (merge(each, weights(m1=0.5, m2=0.5)) for each in (exact, noisy))
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.scores, other.scores)


def test_an_m3_that_knows_nothing_of_others_has_little_say() -> None:
    assert default_weights(alone=True).of(ALL)[M3] < 0.2 < default_weights().of(ALL)[M3]


GOOD = {"format_version": 1, "provenance": {}, "shares": {"m1+m3": {"m1": 0.2, "m3": 0.8}}}


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 2},
        {"shares": {"m1+m3": {"m1": 0.2, "m3": 0.9}}},
        {"shares": {"m1+m3": {"m1": -0.2, "m3": 1.2}}},
        {"shares": {"m1+m3": {"m1": float("nan"), "m3": 1.0}}},
        {"shares": {"m1+m2": {"m1": 0.2, "m3": 0.8}}},
        {"shares": {"m1+m9": {"m1": 0.2, "m9": 0.8}}},
        {"shares": {"m1+m3": {}}},
        {"shares": []},
        {"provenance": None},
    ],
)
def test_weights_that_are_none_are_refused(change: dict) -> None:
    assert read_weights(json.dumps(GOOD)).of([M1, M3]) == {M1: 0.2, M3: 0.8}
    with pytest.raises(ConfigurationError) as refusal:
        read_weights(json.dumps(GOOD | change))
    assert refusal.value.code == "user-model-corrupt"


@pytest.mark.parametrize("content", ["", "[]", "null", "{", "\x00"])
def test_what_is_no_document_is_refused(content: str) -> None:
    with pytest.raises(ConfigurationError):
        read_weights(content)
