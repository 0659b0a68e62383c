"""M2, the platform's second predictor: boosted trees on TF-IDF of artist and title alone.

The least that is known of any track is enough for it. `m2` is grown by LightGBM on absolute errors; `m2-gbr` is the
platform's own choice of library, scikit-learn's gradient boosting, kept for comparison. Both are run by ONNX Runtime.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import load_artifact, write_arrays, write_document
from models.predictors.boosting_inputs import BoostingInputs
from models.predictors.intervals import IntervalTable
from models.predictors.protocol import Prediction, clip_to_ranges, confidence_from_uncertainty
from models.tree_ensemble import TreeEnsemble

_TREES_FILE = "trees.onnx"
_NUMBERS_FILE = "numbers.npz"
_VOCABULARY_FILE = "vocabulary.json"
# Bounds the memory of one step to a few megabytes, whatever the size of the batch.
_STEP = 500


@dataclass(frozen=True, slots=True)
class BoostingModel:
    """Everything that was trained."""

    inputs: BoostingInputs
    trees: bytes  #: Of `models.tree_export`; output k is feature k, in its unit.
    intervals: IntervalTable

    def write_files(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        (folder / _TREES_FILE).write_bytes(self.trees)
        write_arrays(folder / _NUMBERS_FILE, self.inputs.arrays() | self.intervals.arrays())
        write_document(folder / _VOCABULARY_FILE, self.inputs.vocabulary())

    @classmethod
    def read(cls, artifacts_dir: Path, name: str) -> tuple[Self, str]:
        """The model and the version of an artifact; raises as `BoostingPredictor.load` does."""
        artifact = load_artifact(artifacts_dir, name)
        arrays = artifact.arrays(_NUMBERS_FILE)
        inputs = BoostingInputs.restore(artifact.document(_VOCABULARY_FILE), arrays)
        model = cls(inputs, artifact.read(_TREES_FILE), IntervalTable.restore(arrays))
        return model, artifact.card.version


class BoostingPredictor:
    """Predicts with trained trees. See `models.predictors.protocol.FeaturePredictor` for the contract."""

    name: ClassVar[str]

    def __init__(self, model: BoostingModel, version: str) -> None:
        self.inputs = model.inputs
        self.intervals = model.intervals
        self.version = version
        self._trees = TreeEnsemble(model.trees, name=f"the trees of {self.name}")

    def predict(self, tracks: TrackBatch) -> Prediction:
        """Values [n, 9], uncertainty [n, 9] and confidence [n] of n tracks; reads nothing but artist and title."""
        values = np.empty((len(tracks), N_FEATURES), dtype=np.float32)
        uncertainty = np.empty_like(values)
        for start, step in zip(range(0, len(tracks), _STEP), tracks.chunks(_STEP), strict=True):
            inputs = self.inputs.encode(step)
            rows = slice(start, start + len(step))
            values[rows] = clip_to_ranges(self._trees.predict(inputs.dense()))
            uncertainty[rows] = self.intervals.uncertainty(values[rows], inputs.strata)
        confidence = confidence_from_uncertainty(uncertainty, self.intervals.prior_uncertainty)
        return Prediction(values, uncertainty, confidence)

    @classmethod
    def load(cls, artifacts_dir: Path) -> Self:
        """Load the artifact of that name below `artifacts_dir`.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`, with the path and the way out.
        """
        return cls(*BoostingModel.read(artifacts_dir, cls.name))


class M2Predictor(BoostingPredictor):
    """Grown by LightGBM."""

    name = "m2"


class M2GbrPredictor(BoostingPredictor):
    """Grown by scikit-learn."""

    name = "m2-gbr"
