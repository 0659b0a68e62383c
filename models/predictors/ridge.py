"""M1, the platform's first predictor: ridge regression on TF-IDF of artist and album, genres, duration and popularity.

Album, genres and popularity are often missing, so there is one ridge for each of the eight patterns of what a track
has, each trained on every track that has those fields: nothing is imputed, and a missing field costs only what it
would have told. Inference needs NumPy alone.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import load_artifact, write_arrays, write_document
from models.predictors.protocol import Prediction, clip_to_ranges, confidence_from_uncertainty
from models.predictors.ridge_inputs import EncodedTracks, RidgeInputs

NAME = "m1"
_WEIGHTS_FILE = "weights.npz"
_VOCABULARY_FILE = "vocabulary.json"
# Bounds the memory of one step to a few megabytes, whatever the size of the batch.
_STEP = 1_000


@dataclass(frozen=True, slots=True)
class RidgeWeights:
    """The trained numbers; p = 8 availability patterns, c = input columns, b = bins of the predicted value."""

    coefficients: NDArray[np.float32]  #: [p, c, 9]; zero where the pattern lacks the column
    intercepts: NDArray[np.float32]  #: [p, 9]
    bin_edges: NDArray[np.float32]  #: [p, 9, b - 1], ascending, in each feature's unit
    half_widths: NDArray[np.float32]  #: [p, 2, 9, b], by whether a word of the artist is known; see `intervals`
    prior_uncertainty: NDArray[np.float32]  #: [9], the 80 % half-widths of knowing nothing

    def values(self, inputs: EncodedTracks) -> NDArray[np.float32]:
        """Predicted features [n, 9], clipped to their ranges."""
        contributions = self.coefficients[inputs.pattern[inputs.rows], inputs.columns] * inputs.weights[:, None]
        # Sums in the order of the entries do not depend on the other tracks of the batch, as a matrix product may.
        n = len(inputs.pattern)
        sums = [np.bincount(inputs.rows, column, minlength=n) for column in contributions.T]
        return clip_to_ranges(np.stack(sums, axis=1) + self.intercepts[inputs.pattern])

    def uncertainty(self, inputs: EncodedTracks, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Half-widths of the 80 % intervals around `values`, [n, 9]."""
        bins = (values[:, :, None] > self.bin_edges[inputs.pattern]).sum(axis=2)
        pattern, artist_known = inputs.pattern[:, None], inputs.artist_known[:, None]
        widths: NDArray[np.float32] = self.half_widths[pattern, artist_known, np.arange(N_FEATURES), bins]
        return widths


class RidgePredictor:
    """Predicts with trained weights. See `models.predictors.protocol.FeaturePredictor` for the contract."""

    name = NAME

    def __init__(self, inputs: RidgeInputs, weights: RidgeWeights, version: str) -> None:
        self.inputs = inputs
        self.weights = weights
        self.version = version

    def predict(self, tracks: TrackBatch) -> Prediction:
        """Values [n, 9], uncertainty [n, 9] and confidence [n] of n tracks; any field but the artist may be missing."""
        values = np.empty((len(tracks), N_FEATURES), dtype=np.float32)
        uncertainty = np.empty_like(values)
        for start, step in zip(range(0, len(tracks), _STEP), tracks.chunks(_STEP), strict=True):
            inputs = self.inputs.encode(step)
            rows = slice(start, start + len(step))
            values[rows] = self.weights.values(inputs)
            uncertainty[rows] = self.weights.uncertainty(inputs, values[rows])
        confidence = confidence_from_uncertainty(uncertainty, self.weights.prior_uncertainty)
        return Prediction(values, uncertainty, confidence)

    def write_files(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        write_arrays(folder / _WEIGHTS_FILE, self.inputs.arrays() | _arrays(self.weights))
        write_document(folder / _VOCABULARY_FILE, self.inputs.vocabulary())

    @classmethod
    def load(cls, artifacts_dir: Path) -> Self:
        """Load the artifact `m1` below `artifacts_dir`.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`, with the path and the way out.
        """
        artifact = load_artifact(artifacts_dir, NAME)
        arrays = artifact.arrays(_WEIGHTS_FILE)
        inputs = RidgeInputs.restore(artifact.document(_VOCABULARY_FILE), arrays)
        return cls(
            inputs, RidgeWeights(**{f.name: arrays[f.name] for f in fields(RidgeWeights)}), artifact.card.version
        )


def _arrays(weights: RidgeWeights) -> dict[str, NDArray[Any]]:
    return {field.name: getattr(weights, field.name) for field in fields(weights)}
