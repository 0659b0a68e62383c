"""What every predictor of the registry promises, checked on the models that ship."""

import numpy as np
import pytest

from core.features import FEATURES, N_FEATURES
from core.tracks import TrackBatch
from models.predictors.protocol import FeaturePredictor
from models.registry import PREDICTORS, load_predictor

LOW = [feature.low for feature in FEATURES]
HIGH = [feature.high for feature in FEATURES]


@pytest.fixture(scope="module", params=sorted(PREDICTORS))
def predictor(request: pytest.FixtureRequest) -> FeaturePredictor:
    return load_predictor(request.param)


@pytest.fixture
def tracks() -> TrackBatch:
    """Full, sparse and hostile metadata."""
    rows = [
        ("Queen", "Bohemian Rhapsody", "A Night at the Opera", ["classic rock"], 354_320, 1975, False, 80),
        ("아이유", "밤편지", "Palette", ["k-pop"], 253_000, 2017, None, 70),
        ("Nobody Known", "Untitled", None, [], None, None, None, None),
        ("", "", "", [""], 0, 0, True, 0),
        ("\x00 ' \" ; 🎵" * 200, "x" * 1_000, "y" * 1_000, ["z"] * 500, 2**31, 9_999, False, 100),
        ("Live Set", "Three Hours", "Live", ["live"], 10_800_000, 2010, None, 0),
        ("Jingle", "Short", None, ["nothing known"], 1, 1900, None, None),
    ]
    artist, title, album, genres, duration_ms, release_year, explicit, popularity = map(list, zip(*rows, strict=True))
    ids = [str(row) for row in range(len(rows))]
    return TrackBatch(ids, artist, title, album, genres, duration_ms, release_year, explicit, popularity)


def test_it_carries_its_name_and_a_version(predictor: FeaturePredictor) -> None:
    assert predictor.name in PREDICTORS
    assert predictor.version


def test_shapes_and_dtypes(predictor: FeaturePredictor, tracks: TrackBatch) -> None:
    prediction = predictor.predict(tracks)
    assert prediction.values.shape == prediction.uncertainty.shape == (len(tracks), N_FEATURES)
    assert prediction.confidence.shape == (len(tracks),)
    assert {prediction.values.dtype, prediction.uncertainty.dtype, prediction.confidence.dtype} == {np.dtype("float32")}


def test_an_empty_batch_is_no_error(predictor: FeaturePredictor) -> None:
    prediction = predictor.predict(TrackBatch())
    assert prediction.values.shape == prediction.uncertainty.shape == (0, N_FEATURES)
    assert prediction.confidence.shape == (0,)


def test_everything_is_finite_and_in_range(predictor: FeaturePredictor, tracks: TrackBatch) -> None:
    prediction = predictor.predict(tracks)
    assert ((prediction.values >= LOW) & (prediction.values <= HIGH)).all()
    assert ((prediction.uncertainty > 0) & np.isfinite(prediction.uncertainty)).all()
    assert ((prediction.confidence >= 0) & (prediction.confidence <= 1)).all()


def test_a_track_gets_the_same_answer_in_any_batch(predictor: FeaturePredictor, tracks: TrackBatch) -> None:
    whole = predictor.predict(tracks)
    backwards = predictor.predict(tracks.take(range(len(tracks) - 1, -1, -1)))
    np.testing.assert_array_equal(whole.values, backwards.values[::-1])
    for row in range(len(tracks)):
        alone = predictor.predict(tracks.take([row]))
        np.testing.assert_array_equal(alone.values[0], whole.values[row])
        np.testing.assert_array_equal(alone.uncertainty[0], whole.uncertainty[row])


def test_the_batch_is_left_as_it_was(predictor: FeaturePredictor, tracks: TrackBatch) -> None:
    before = tracks.take(range(len(tracks)))
    predictor.predict(tracks)
    assert tracks == before


def test_the_track_id_is_no_input(predictor: FeaturePredictor, tracks: TrackBatch) -> None:
    expected = predictor.predict(tracks).values
    tracks.track_id = ["other"] * len(tracks)
    np.testing.assert_array_equal(predictor.predict(tracks).values, expected)
