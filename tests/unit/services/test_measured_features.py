"""Measured tempo and loudness: what counts, and how wide an honest interval is."""

import math

import numpy as np
import pytest

from core.features import FEATURE_NAMES
from services.audio_analysis.measured import measured_features, tempo_uncertainty

TEMPO, LOUDNESS = FEATURE_NAMES.index("tempo"), FEATURE_NAMES.index("loudness")


def tempo(bpm, confidence, *others):
    weights = [{"bpm": bpm, "weight": confidence}, *({"bpm": other, "weight": weight} for other, weight in others)]
    return {"bpm": bpm, "confidence": confidence, "candidates": weights}


def description(bpm=120.0, confidence=0.9, loudness=-9.0):
    return {"tempo": tempo(bpm, confidence), "loudness_lufs": loudness}


def test_a_confident_tempo_is_as_exact_as_its_confidence_is_defined():
    assert tempo_uncertainty(tempo(100.0, 0.95, (50.0, 0.05))) == pytest.approx(4.0)
    assert tempo_uncertainty(tempo(100.0, 0.8)) == pytest.approx(4.0)


def test_a_doubtful_tempo_reaches_the_candidate_that_makes_up_for_the_doubt():
    reached = tempo_uncertainty(tempo(140.0, 0.6, (70.0, 0.35), (280.0, 0.05)))
    assert 70.0 <= reached <= 70.0 + 0.04 * 70.0 + 1e-6
    low, high = 140.0 - reached, 140.0 + reached
    assert low <= 70.0 <= high


def test_near_candidates_come_before_far_ones_that_weigh_more():
    near = tempo_uncertainty(tempo(120.0, 0.6, (90.0, 0.3), (60.0, 0.1)))
    assert near == pytest.approx(30.0 + 0.04 * 90.0)


def test_a_doubt_that_no_candidate_explains_spans_everything():
    assert tempo_uncertainty(tempo(120.0, 0.5)) == 120.0
    assert tempo_uncertainty(tempo(120.0, 0.5, (121.0, 0.4))) == 120.0, "the same tempo is no other candidate"


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.79, 0.8, 1.0])
@pytest.mark.parametrize("weights", [(), ((60.0, 0.0),), ((60.0, 0.1), (240.0, 0.1), (90.0, 0.1))])
def test_an_uncertainty_is_always_a_number_within_reason(confidence, weights):
    width = tempo_uncertainty(tempo(120.0, confidence, *weights))
    assert 0.04 * 120 <= width <= 120
    assert math.isfinite(width)


def test_features_but_tempo_and_loudness_stay_unknown():
    estimates = measured_features([description()], 0.5)
    known = {TEMPO, LOUDNESS}
    assert {column for column in range(9) if not math.isnan(estimates.values[0, column])} == known
    assert {column for column in range(9) if not math.isnan(estimates.uncertainty[0, column])} == known
    assert estimates.values[0, TEMPO] == 120
    assert estimates.confidence[0] == pytest.approx(0.9)


@pytest.mark.parametrize(("bpm", "confidence"), [(None, 0.0), (120.0, 0.49), (300.0, 0.9)])
def test_a_tempo_that_does_not_count_leaves_the_loudness(bpm, confidence):
    estimates = measured_features([description(bpm=bpm, confidence=confidence)], 0.5)
    assert math.isnan(estimates.values[0, TEMPO])
    assert estimates.values[0, LOUDNESS] == -9


@pytest.mark.parametrize(("measured", "stored"), [(-80.0, -60.0), (7.0, 5.0), (math.nan, math.nan)])
def test_loudness_stays_within_the_range_of_the_feature(measured, stored):
    estimates = measured_features([description(loudness=measured)], 0.5)
    np.testing.assert_equal(float(estimates.values[0, LOUDNESS]), stored)
