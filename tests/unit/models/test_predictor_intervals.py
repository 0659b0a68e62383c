"""Intervals: quantiles of residuals, by what the predictor knew and what it predicted."""

import numpy as np
import pytest

from models.predictors.intervals import (
    N_BINS,
    IntervalTable,
    bin_edges,
    conformal_quantile,
    half_widths,
    prior_uncertainty,
)


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (4, 4), (9, 8), (99, 80), (999, 800)])
def test_the_conformal_quantile_is_a_residual_of_the_right_rank(n: int, expected: float) -> None:
    residuals = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert conformal_quantile(residuals) == expected


def test_bins_hold_equally_many_predictions() -> None:
    values = np.random.default_rng(0).random((5_000, 9))
    edges = bin_edges(values)
    assert edges.shape == (9, N_BINS - 1)
    counts = np.bincount(np.searchsorted(edges[0], values[:, 0]), minlength=N_BINS)
    assert counts == pytest.approx(5_000 / N_BINS, abs=2)


def test_errors_that_grow_with_the_prediction_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((20_000, 9))
    known = rng.integers(2, size=20_000)
    targets = values + rng.normal(size=values.shape) * values * (2 - known)[:, None]
    widths = half_widths(values, targets, bin_edges(values), known)
    assert (np.diff(widths, axis=2) > 0).all()
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.25)
    # 80 % of a normal distribution lie within 1.28 standard deviations.
    assert widths[1, :, -1] == pytest.approx(1.28 * 0.95, rel=0.1)


def test_a_thin_stratum_borrows_from_its_bin() -> None:
    values = np.random.default_rng(0).random((2_000, 9))
    targets = values + 0.1
    known = np.ones(2_000, dtype=np.intp)
    known[:3] = 0
    widths = half_widths(values, targets, bin_edges(values), known)
    assert widths == pytest.approx(0.1)


def test_tied_predictions_leave_bins_empty_and_are_covered_all_the_same() -> None:
    values = np.full((1_000, 9), 0.5)
    widths = half_widths(values, values + 0.1, bin_edges(values), np.ones(1_000, dtype=np.intp))
    assert widths == pytest.approx(0.1)


def test_a_table_covers_four_fifths_in_every_stratum() -> None:
    rng = np.random.default_rng(0)
    values, strata = rng.random((30_000, 9)), rng.integers(3, size=30_000)
    targets = values + rng.normal(size=values.shape) * (1 + strata)[:, None]
    table = IntervalTable.fit(values, targets, strata, 3, np.ones(9))
    restored = IntervalTable.restore({**table.arrays(), "other": np.zeros(1)})
    inside = np.abs(values - targets) <= restored.uncertainty(values.astype(np.float32), strata)
    for stratum in range(3):
        assert inside[strata == stratum].mean(axis=0) == pytest.approx(0.8, abs=0.02)
    assert table.uncertainty(values[:0].astype(np.float32), strata[:0]).shape == (0, 9)


def test_the_prior_is_the_interval_around_the_mean() -> None:
    targets = np.random.default_rng(0).normal(5, 2, size=(20_000, 9))
    assert prior_uncertainty(targets) == pytest.approx(1.28 * 2, rel=0.03)
