"""Figures of rankings, against values computed by hand and against plain loops."""

import numpy as np
import pytest

from models.evaluation.ranking import (
    coverage,
    find_hits,
    hit_rate,
    mean_interval,
    ndcg,
    novelty,
    paired_difference,
    recall,
)

RANKED = np.array([[4, 1, 7, 0], [2, 3, -1, -1], [5, 6, 8, 9]])
RELEVANT = [np.array([1, 7, 9]), np.array([2]), np.array([0])]
N_RELEVANT = np.array([3, 1, 1])


@pytest.fixture
def hits() -> np.ndarray:
    return find_hits(RANKED, RELEVANT, n_items=10)


def test_hits_are_found_where_items_are_relevant_to_their_own_user(hits: np.ndarray) -> None:
    assert hits.tolist() == [[False, True, True, False], [True, False, False, False], [False] * 4]


def test_padding_never_hits_the_last_item_of_the_user_before() -> None:
    # With pairs as numbers, -1 of user 1 is item n - 1 of user 0.
    assert not find_hits(np.array([[0], [-1]]), [np.array([9]), np.array([3])], n_items=10).any()


def test_users_without_anything_relevant_have_no_hits() -> None:
    assert not find_hits(RANKED, [np.empty(0, np.intp)] * 3, n_items=10).any()


def test_recall_divides_by_all_relevant_items(hits: np.ndarray) -> None:
    assert recall(hits, N_RELEVANT, 2).tolist() == [1 / 3, 1, 0]
    assert recall(hits, N_RELEVANT, 4).tolist() == [2 / 3, 1, 0]
    # Also where there are more of them than places.
    assert recall(hits, N_RELEVANT, 1).tolist() == [0, 1, 0]


def test_ndcg_by_hand(hits: np.ndarray) -> None:
    dcg = 1 / np.log2(3) + 1 / np.log2(4)
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg(hits, N_RELEVANT, 4) == pytest.approx([dcg / ideal, 1, 0])
    # The ideal of two places has two hits, though three items are relevant.
    assert ndcg(hits, N_RELEVANT, 2) == pytest.approx([(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 1, 0])


def test_ndcg_is_one_for_all_relevant_items_in_front() -> None:
    found = find_hits(np.array([[3, 1, 2, 0]]), [np.array([1, 2, 3])], n_items=4)
    assert ndcg(found, np.array([3]), 100).tolist() == [1]


def test_figures_agree_with_loops() -> None:
    rng = np.random.default_rng(0)
    ranked = np.stack([rng.permutation(50)[:20] for _ in range(40)])
    relevant = [rng.choice(50, size=rng.integers(1, 15), replace=False) for _ in range(40)]
    counts = np.array([len(items) for items in relevant])
    hits = find_hits(ranked, relevant, 50)
    for k in (1, 5, 20):
        expected = []
        for row, items in zip(ranked, relevant, strict=True):
            gain = sum(1 / np.log2(rank + 2) for rank, item in enumerate(row[:k]) if item in items)
            expected.append(gain / sum(1 / np.log2(rank + 2) for rank in range(min(k, len(items)))))
        assert ndcg(hits, counts, k) == pytest.approx(expected)
        shares = [len({*row[:k]} & {*items}) / len(items) for row, items in zip(ranked, relevant, strict=True)]
        assert recall(hits, counts, k) == pytest.approx(shares)


def test_a_user_without_relevant_items_has_no_figure_and_does_not_count(hits: np.ndarray) -> None:
    counts = np.array([3, 1, 0])
    assert np.isnan(recall(hits, counts, 4)[2])
    assert np.isnan(ndcg(hits, counts, 4)[2])
    assert mean_interval(recall(hits, counts, 4)).mean == pytest.approx((2 / 3 + 1) / 2)


def test_hit_rate_counts_users(hits: np.ndarray) -> None:
    assert hit_rate(hits, 1).tolist() == [0, 1, 0]
    assert hit_rate(hits, 2).tolist() == [1, 1, 0]


def test_coverage_counts_items_of_anybody_once() -> None:
    assert coverage(RANKED, 2, n_items=10) == 0.6
    assert coverage(np.array([[1, 2], [2, 1]]), 2, n_items=4) == 0.5
    assert coverage(np.full((2, 2), -1), 2, n_items=4) == 0


def test_novelty_is_the_mean_self_information_in_bits() -> None:
    item_users = np.array([8, 4, 1, 0])
    bits = novelty(np.array([[0, 1], [2, -1], [3, 1], [-1, -1]]), 2, item_users, n_users=8)
    # An item nobody has is as novel as one that a single user has.
    assert bits[:3].tolist() == [(0 + 1) / 2, 3, (3 + 1) / 2]
    assert np.isnan(bits[3])


def test_intervals_are_those_of_students_t() -> None:
    interval = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    # t(0.975, 3) = 3.1824; standard error = sqrt(5 / 3) / 2.
    assert interval.mean == 2.5
    assert (interval.low, interval.high) == pytest.approx((2.5 - 2.0542, 2.5 + 2.0542), abs=1e-4)


@pytest.mark.parametrize("values", [[], [np.nan], [1.0]])
def test_too_few_values_have_no_interval(values: list[float]) -> None:
    interval = mean_interval(np.array(values))
    assert np.isnan(interval.low)
    assert not interval.excludes_zero


def test_a_small_constant_lead_is_certain_though_users_differ_widely() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(200)
    ahead = base + 0.01 + rng.normal(0, 0.01, 200)
    difference = paired_difference(ahead, base)
    assert difference.excludes_zero
    assert difference.mean == pytest.approx(0.01, abs=0.003)
    assert not paired_difference(rng.permutation(ahead), base).excludes_zero


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = [mean_interval(rng.normal(0.3, 1, 15)) for _ in range(2000)]
    share = np.mean([interval.low <= 0.3 <= interval.high for interval in held])
    assert share == pytest.approx(0.95, abs=0.015)
