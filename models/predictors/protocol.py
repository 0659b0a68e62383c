"""What every predictor of audio features takes and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURES
from core.tracks import TrackBatch

#: Called with the steps done and all steps of a long piece of work.
OnProgress = Callable[[int, int], None]

#: The share of true values that `value ± uncertainty` is meant to hold.
INTERVAL_COVERAGE = 0.8

_LOW = np.array([feature.low for feature in FEATURES], dtype=np.float32)
_HIGH = np.array([feature.high for feature in FEATURES], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The nine features of n tracks; columns follow `core.features.FEATURE_NAMES`."""

    values: NDArray[np.float32]  #: [n, 9], in each feature's unit, clipped to its range.
    uncertainty: NDArray[np.float32]  #: [n, 9], half-width of the 80 % interval, in each feature's unit.
    confidence: NDArray[np.float32]  #: [n], 0 (knows nothing about the track) .. 1 (certain).


class FeaturePredictor(Protocol):
    """A pure function of metadata: no database, no network, the same answer for the same track in any batch.

    `version` changes whenever the trained parameters do, so that estimates of two versions never mix.
    """

    @property
    def name(self) -> str:
        """The name under which `models.registry` knows the predictor."""
        ...

    @property
    def version(self) -> str:
        """The version of the loaded artifact."""
        ...

    def predict(self, tracks: TrackBatch) -> Prediction:
        """Predict all nine features of every track; an empty batch gives arrays of zero rows."""
        ...


@dataclass(frozen=True, slots=True)
class TrainedPredictor:
    """The outcome of a training, ready to be evaluated and then published as an artifact."""

    predictor: FeaturePredictor
    design: str  #: Version of the method; the artifact's version is this and a digest of its files.
    summary: str  #: What the model is, in a sentence or two, for its card.
    parameters: Mapping[str, Any]  #: What it was trained with, for its card.
    write_files: Callable[[Path], None]  #: Writes the data files into an existing folder.


def clip_to_ranges(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Clip [n, 9] feature values to the range of each feature."""
    return np.asarray(np.clip(values, _LOW, _HIGH), dtype=np.float32)


def confidence_from_uncertainty(
    uncertainty: NDArray[np.float32], prior_uncertainty: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How much narrower the intervals are than those of knowing nothing.

    confidence = mean over the nine features of max(0, 1 - uncertainty / prior_uncertainty)

    Parameters
    ----------
    uncertainty
        Half-widths of the 80 % intervals, [n, 9].
    prior_uncertainty
        The 80 % half-widths around the mean of the training data, which is all one can say of an unknown track, [9].

    Returns
    -------
    confidence
        [n], in 0..1.
    """
    # A feature that never varied in training has a prior of zero, and nothing is gained on it.
    gain = 1.0 - uncertainty / np.maximum(prior_uncertainty, np.float32(1e-9))
    return np.asarray(np.maximum(gain, 0.0).mean(axis=1), dtype=np.float32)
