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


def test_among_looked_up_values_the_smaller_uncertainty_wins(monkeypatch):
    monkeypatch.setitem(RANKS, Source.IMPORT, Rank.LOOKED_UP)
    monkeypatch.setitem(RANKS, Source.M1, Rank.LOOKED_UP)
    resolved = resolve({Source.IMPORT: estimates(0.9, uncertainty=0.2), Source.M1: estimates(0.1, uncertainty=0.05)})
    assert resolved.sources[0] == ["m1"] * N_FEATURES
    unknown = resolve({Source.IMPORT: estimates(0.9, uncertainty=np.nan), Source.M1: estimates(0.1)})
    assert unknown.sources[0] == ["m1"] * N_FEATURES, "an unknown uncertainty of a looked-up value is the worst"


@pytest.mark.parametrize(("preferred", "winner"), [("m1", "m1"), ("m2", "m2"), (None, "m2"), ("blend", "m2")])
def test_among_inferred_values_the_predictor_in_use_wins_however_sure_the_others_are(preferred, winner):
    """Else what a replaced predictor left behind would outlive its replacement."""
    sure, unsure = estimates(0.9, uncertainty=0.01, confidence=1.0), estimates(0.1, uncertainty=0.3)
    for m1, m2 in ((sure, unsure), (unsure, sure)):
        assert resolve({Source.M1: m1, Source.M2: m2}, preferred).sources[0] == [winner] * N_FEATURES


def test_the_predictor_in_use_never_beats_a_measured_value():
    resolved = resolve({Source.IMPORT: estimates(0.9, uncertainty=np.nan), Source.M1: estimates(0.1)}, "m1")
    assert resolved.sources[0] == ["import"] * N_FEATURES


def test_what_the_predictor_in_use_leaves_out_comes_from_the_next():
    partly = estimates(0.1)
    partly.values[0, 3] = np.nan
    resolved = resolve({Source.M1: partly, Source.M2: estimates(0.9)}, "m1")
    assert resolved.sources[0] == ["m1"] * 3 + ["m2"] + ["m1"] * 5


def test_what_nobody_knows_stays_unknown():
    resolved = resolve({Source.M1: Estimates.unknown(2)})
    assert np.isnan(resolved.values).all()
    assert resolved.sources == [[None] * N_FEATURES] * 2
    assert resolved.confidence.tolist() == [0.0, 0.0]


def test_every_source_has_a_rank():
    assert set(RANKS) == set(Source)
