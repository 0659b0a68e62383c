"""What the network may see: success is no input, by type and by name."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from core.errors import PermanentError
from core.tracks import TrackBatch
from models.predictors.neural.inputs import INPUT_NAMES, NetworkInputs, is_guarded
from models.predictors.neural.runtime import NeuralPredictor
from models.training_data import ReferenceTable

GUARDED = (
    *("popularity", "Track Popularity", "rating", "user_ratings", "stars", "play_count", "playcount", "playCount"),
    *("plays", "streams", "scrobbles", "listeners", "monthly_listeners", "followers", "artist_followers", "likes"),
    *("views", "chart_position", "charts", "peak_rank", "billboard_weeks", "sales", "score", "skip_rate"),
)


def test_the_type_has_no_field_for_success() -> None:
    assert [column.name for column in fields(NetworkInputs) if is_guarded(column.name)] == []
    assert set(INPUT_NAMES) == {
        *("artist", "title", "release_year", "genres", "moods", "duration_ms", "explicit", "track_number"),
        *("album_total_tracks", "decade"),
    }
    with pytest.raises(TypeError):
        NetworkInputs(artist=("A",), title=("B",), popularity=(80,))  # type: ignore[call-arg]


def test_a_batch_leaves_popularity_behind() -> None:
    hit, flop = (TrackBatch(["1"], ["A"], ["B"], popularity=[popularity]) for popularity in (99, 0))
    assert NetworkInputs.of(hit) == NetworkInputs.of(flop)
    assert 99 not in NetworkInputs.of(hit).rows()[0]


def test_it_cannot_be_given_more_later() -> None:
    inputs = NetworkInputs.of(TrackBatch(["1"], ["A"], ["B"]))
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        inputs.popularity = (1,)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", GUARDED)
def test_guarded_columns_are_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="refused") as caught:
        NetworkInputs.from_columns({"artist": ["A"], "title": ["B"], name: [1]})
    assert caught.value.code == "invalid-option"
    assert name in caught.value.message


def test_unknown_and_missing_columns_are_refused() -> None:
    with pytest.raises(PermanentError, match="label"):
        NetworkInputs.from_columns({"artist": ["A"], "title": ["B"], "label": ["X"]})
    with pytest.raises(PermanentError, match="title"):
        NetworkInputs.from_columns({"artist": ["A"]})


def test_columns_and_batches_agree() -> None:
    columns = {"artist": ["A", "B"], "title": ["C", "D"], "genres": [["rock"], []], "duration_ms": [1000, None]}
    batch = TrackBatch(["1", "2"], **columns)  # type: ignore[arg-type]
    assert NetworkInputs.from_columns(columns) == NetworkInputs.of(batch)


def test_rows_and_columns_are_inverse() -> None:
    inputs = NetworkInputs.of(TrackBatch(["1", "2"], ["A", "B"], ["C", "D"], moods=[["sad"], []]))
    assert NetworkInputs.of_rows(inputs.rows()) == inputs
    assert len(NetworkInputs.of_rows([])) == 0


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        NetworkInputs.from_columns({"artist": ["A"], "title": ["B", "C"]})


def test_predictions_do_not_follow_popularity(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    tracks = reference_table.tracks
    before = neural.predict(tracks)
    changed = tracks.take(range(len(tracks)))
    changed.popularity = [None if row % 3 else 100 - row % 101 for row in range(len(tracks))]
    neural.cache.clear()
    after = neural.predict(changed)
    np.testing.assert_array_equal(before.values, after.values)
    np.testing.assert_array_equal(before.uncertainty, after.uncertainty)
