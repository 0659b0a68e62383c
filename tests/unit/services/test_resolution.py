"""Which source wins for each feature."""

import numpy as np
import pytest

from core.features import N_FEATURES
from core.sources import RANKS, Rank, Source
from db.repositories.estimates import Estimates
from services.resolution import resolve


def estimates(value, *, uncertainty=0.1, confidence=0.5):
    return Estimates(
        np.full((1, N_FEATURES), value, np.float32),
        np.full((1, N_FEATURES), uncertainty, np.float32),
        np.full(1, confidence, np.float32),
    )


def test_measured_beats_inferred_whatever_the_order():
    measured, inferred = estimates(0.9, uncertainty=np.nan, confidence=1.0), estimates(0.1)
    for order in ({Source.IMPORT: measured, Source.M1: inferred}, {Source.M1: inferred, Source.IMPORT: measured}):
        resolved = resolve(order)
        assert resolved.values[0].tolist() == pytest.approx([0.9] * N_FEATURES)
        assert resolved.sources[0] == ["import"] * N_FEATURES
        assert resolved.confidence[0] == 1.0


def test_each_feature_is_chosen_on_its_own():
    measured = Estimates.unknown(1)
    measured.values[0, 3] = 0.7
    measured.confidence[0] = 1.0
    resolved = resolve({Source.IMPORT: measured, Source.M1: estimates(0.1, confidence=0.0)})
    assert resolved.sources[0].count("import") == 1
    assert resolved.values[0, 3] == pytest.approx(0.7)
    assert resolved.confidence[0] == pytest.approx(1 / N_FEATURES)


def test_within_a_rank_the_smaller_uncertainty_wins(monkeypatch):
    monkeypatch.setitem(RANKS, Source.IMPORT, Rank.INFERRED)
    resolved = resolve({Source.IMPORT: estimates(0.9, uncertainty=0.2), Source.M1: estimates(0.1, uncertainty=0.05)})
    assert resolved.sources[0] == ["m1"] * N_FEATURES
    unknown = resolve({Source.IMPORT: estimates(0.9, uncertainty=np.nan), Source.M1: estimates(0.1)})
    assert unknown.sources[0] == ["m1"] * N_FEATURES, "an unknown uncertainty of an inferred value is the worst"


def test_what_nobody_knows_stays_unknown():
    resolved = resolve({Source.M1: Estimates.unknown(2)})
    assert np.isnan(resolved.values).all()
    assert resolved.sources == [[None] * N_FEATURES] * 2
    assert resolved.confidence.tolist() == [0.0, 0.0]


def test_every_source_has_a_rank():
    assert set(RANKS) == set(Source)
