"""Speed and size are measured, not guessed: with a predictor that takes a known time."""

import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from core.tracks import TrackBatch
from models.artifacts import load_artifact
from models.evaluation.cost import artifact_bytes, measure_latency, measure_load, spread, yardstick_per_second
from models.predictors.protocol import Prediction
from models.registry import shipped_artifacts


class SlowPredictor:
    name, version = "slow", "1"

    def predict(self, tracks: TrackBatch) -> Prediction:
        assert len(tracks) == 1
        time.sleep(0.001)
        return Prediction(np.zeros((1, 9)), np.zeros((1, 9)), np.zeros(1))


def test_latency_is_that_of_single_tracks() -> None:
    p50, p95 = measure_latency(SlowPredictor(), TrackBatch(track_id=[str(i) for i in range(40)]))
    assert 1 <= p50 <= p95


def test_loading_takes_a_process_of_its_own() -> None:
    assert 0 < measure_load("m1", shipped_artifacts()) < 60


def test_what_does_not_load_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="m1 does not load"):
        measure_load("m1", tmp_path)


def test_the_size_is_that_of_the_data_files() -> None:
    folder = load_artifact(shipped_artifacts(), "m1").folder
    files = [path for path in folder.iterdir() if path.suffix in {".npz", ".json"} and path.name != "card.json"]
    assert artifact_bytes("m1", shipped_artifacts()) == sum(path.stat().st_size for path in files)


def test_rows_are_spread_over_the_table() -> None:
    assert spread(3, 10) == [0, 1, 2]
    assert spread(101, 3) == [0, 50, 100]
    assert spread(0, 3) == []


def test_the_yardstick_ticks() -> None:
    assert yardstick_per_second() > 1
