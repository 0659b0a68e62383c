"""A small neural predictor, trained on the synthetic reference table."""

import pytest

from models.predictors.neural.options import TrainingOptions
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.training import train
from models.predictors.protocol import TrainedPredictor
from models.training_data import ReferenceTable

QUICK = TrainingOptions(max_epochs=3, patience=2, calibration_runs=2, batch_size=64)


@pytest.fixture(scope="session")
def quick() -> TrainingOptions:
    """Options of a training that takes a second."""
    return QUICK


@pytest.fixture(scope="session")
def trained_neural(reference_table: ReferenceTable) -> TrainedPredictor:
    return train(reference_table, lambda done, total: None, QUICK, checkpoints=None)


@pytest.fixture
def neural(trained_neural: TrainedPredictor) -> NeuralPredictor:
    """The trained predictor with nothing in its cache."""
    assert isinstance(trained_neural.predictor, NeuralPredictor)
    trained_neural.predictor.cache.clear()
    return trained_neural.predictor
