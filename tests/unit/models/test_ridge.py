"""M1 at inference: every availability pattern, odd values, and the artifact round trip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.tracks import TrackBatch
from models.artifacts import Card, publish_artifact
from models.predictors.protocol import TrainedPredictor, confidence_from_uncertainty
from models.predictors.ridge import RidgePredictor
from models.predictors.ridge_inputs import pattern_name
from models.registry import load_predictor


@pytest.fixture
def predictor(trained_m1: TrainedPredictor) -> RidgePredictor:
    assert isinstance(trained_m1.predictor, RidgePredictor)
    return trained_m1.predictor


def one(**changes: object) -> TrackBatch:
    columns: dict[str, object] = {
        "track_id": "1",
        "artist": "Iron Choir",
        "title": "Song",
        "album": "Night Drive",
        "genres": ["metal"],
        "duration_ms": 200_000,
        "release_year": None,
        "explicit": None,
        "popularity": 40,
    }
    return TrackBatch(**{name: [value] for name, value in (columns | changes).items()})  # type: ignore[arg-type]


@pytest.mark.parametrize("pattern", range(8))
def test_each_availability_pattern_has_its_own_weights(predictor: RidgePredictor, pattern: int) -> None:
    tracks = one(
        album="Night Drive" if pattern & 1 else None,
        genres=["metal"] if pattern & 2 else [],
        popularity=40 if pattern & 4 else None,
    )
    encoded = predictor.inputs.encode(tracks)
    assert encoded.pattern.tolist() == [pattern]
    unused = ~predictor.inputs.columns_of(pattern)
    assert not predictor.weights.coefficients[pattern][unused].any()
    assert predictor.inputs.columns_of(pattern)[encoded.columns].all()


def test_patterns_have_names() -> None:
    assert [pattern_name(pattern) for pattern in (0, 3, 4)] == ["none of them", "album + genres", "popularity"]


def test_blank_albums_and_unknown_genres_count_as_missing(predictor: RidgePredictor) -> None:
    tracks = one(album="  ", genres=["never heard of"], popularity=None)
    assert predictor.inputs.encode(tracks).pattern.tolist() == [0]


def test_genres_are_compared_without_regard_to_case(predictor: RidgePredictor) -> None:
    expected = predictor.predict(one(genres=["k-indie"])).values
    np.testing.assert_array_equal(predictor.predict(one(genres=[" K-Indie", "k-indie"])).values, expected)


@pytest.mark.parametrize("duration_ms", [None, 0, -5])
def test_an_unknown_duration_counts_as_the_mean(predictor: RidgePredictor, duration_ms: int | None) -> None:
    mean = round(np.exp(predictor.inputs.log_duration.mean))
    expected = predictor.predict(one(duration_ms=mean)).values
    np.testing.assert_allclose(predictor.predict(one(duration_ms=duration_ms)).values, expected, rtol=1e-4)


def test_a_set_of_ten_hours_is_no_further_out_than_the_bound(predictor: RidgePredictor) -> None:
    ten_hours, a_day = (predictor.predict(one(duration_ms=hours * 3_600_000)).values for hours in (10, 24))
    np.testing.assert_array_equal(ten_hours, a_day)


def test_more_than_one_step_is_predicted_in_order(predictor: RidgePredictor) -> None:
    single = one()
    tracks = single.take([0] * 2_500)
    tracks.duration_ms[2_400] = 100_000
    values = predictor.predict(tracks).values
    different = np.flatnonzero((values != values[0]).any(axis=1))
    assert different.tolist() == [2_400]


def test_the_published_artifact_predicts_the_same(trained_m1: TrainedPredictor, tmp_path: Path) -> None:
    card = Card("m1", "1", "2026-01-01", "", {}, 500, (), {}, {}, {})
    published = publish_artifact(tmp_path, card, trained_m1.write_files)
    loaded = load_predictor("m1", tmp_path)
    assert loaded.version == published.version
    expected = trained_m1.predictor.predict(one())
    np.testing.assert_array_equal(loaded.predict(one()).values, expected.values)
    np.testing.assert_array_equal(loaded.predict(one()).uncertainty, expected.uncertainty)


def test_predictions_are_clipped_to_the_range_of_each_feature(predictor: RidgePredictor) -> None:
    far = replace(predictor.weights, intercepts=np.full_like(predictor.weights.intercepts, 1e6))
    values = RidgePredictor(predictor.inputs, far, "far").predict(one()).values
    assert values.tolist() == [[1, 1, 1, 1, 1, 1, 1, 250, 5]]


def test_confidence_is_the_mean_gain_over_knowing_nothing() -> None:
    prior = np.full(9, 0.4, dtype=np.float32)
    uncertainty = np.array([[0.4] * 9, [0.2] * 9, [0.0] * 9, [0.8] * 9, [0.0] * 3 + [0.8] * 6], dtype=np.float32)
    assert confidence_from_uncertainty(uncertainty, prior) == pytest.approx([0, 0.5, 1, 0, 1 / 3])
