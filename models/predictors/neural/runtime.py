"""The predictor `neural`: NumPy averages embeddings, ONNX Runtime runs the network. No torch."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import N_FEATURES
from core.settings import get_settings
from core.tracks import TrackBatch
from models.artifacts import load_artifact
from models.onnx_session import open_session
from models.predictors.neural.answers import AnswerCache, Key
from models.predictors.neural.encoding import EncodedTracks
from models.predictors.neural.inputs import NetworkInputs
from models.predictors.neural.parts import NETWORK_FILES, VARIANTS, NeuralParts, Variant
from models.predictors.neural.sentences import load_sentence_encoder
from models.predictors.neural.tokens import sentence
from models.predictors.protocol import Prediction, clip_to_ranges, confidence_from_uncertainty

NAME = "neural"
#: Answers kept, of about a kilobyte each.
CACHE_SIZE = 16_384

# The network always sees this many rows, the last block padded: matrix products of another height may round
# differently, and a track must get the same answer in any batch.
_BLOCK = 32
# Bounds the memory of one step to a few megabytes, whatever the size of the batch.
_STEP = 512


class NeuralPredictor:
    """Predicts with a trained network. See `models.predictors.protocol.FeaturePredictor` for the contract."""

    name = NAME

    def __init__(self, parts: NeuralParts, version: str, variant: Variant | None = None) -> None:
        self.parts = parts
        self.version = version
        self.variant: Variant = variant or parts.default_variant
        self.cache = AnswerCache(CACHE_SIZE)
        network = parts.networks[self.variant]
        self._tables = network.tables
        self._session = open_session(network.onnx, name=f"{NAME}/{NETWORK_FILES[self.variant]}")

    def predict(self, tracks: TrackBatch) -> Prediction:
        """Values [n, 9], uncertainty [n, 9] and confidence [n] of n tracks; any field may be missing or unknown."""
        answers = self.cache.get_all(NetworkInputs.of(tracks).rows(), self._answer)
        rows = np.array(answers, dtype=np.float32).reshape(len(tracks), 2 * N_FEATURES)
        values, uncertainty = rows[:, :N_FEATURES].copy(), rows[:, N_FEATURES:].copy()
        confidence = confidence_from_uncertainty(uncertainty, self.parts.intervals.prior_uncertainty)
        return Prediction(values, uncertainty, confidence)

    def run(self, inputs: NetworkInputs) -> tuple[NDArray[np.float32], NDArray[np.float32], EncodedTracks]:
        """Raw network outputs of n tracks: features [n, 9], not clipped; trunk activations [n, 128]; their inputs."""
        encoded = self.parts.encoder.encode(inputs)
        pooled = self._tables.pool(encoded, self._sentences(inputs))
        blocks = [self._run_block(pooled[start : start + _BLOCK]) for start in range(0, len(pooled), _BLOCK)]
        features, trunk = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return features[: len(pooled)], trunk[: len(pooled)], encoded

    def write_files(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        self.parts.write(folder)

    @classmethod
    def load(cls, artifacts_dir: Path, variant: str | None = None) -> Self:
        """Load the artifact `neural` below `artifacts_dir`.

        Parameters
        ----------
        artifacts_dir
            Folder of the trained models.
        variant
            `full` or `int8`; by default what the settings say, else what its training found the better bargain.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`, with the path and the way out. `invalid-settings`: it was trained
            on a sentence encoder that is not installed.
        PermanentError
            `invalid-option`: there is no such variant.
        """
        variant = variant or get_settings().neural.variant
        chosen = next((known for known in VARIANTS if known == variant), None)
        if variant is not None and chosen is None:
            known = ", ".join(VARIANTS)
            raise PermanentError("invalid-option", f"There is no variant {variant!r} of {NAME}. Known ones: {known}.")
        artifact = load_artifact(artifacts_dir, NAME)
        parts = NeuralParts.read(artifact, *([chosen] if chosen else []))
        if parts.sentence_encoder is not None:
            load_sentence_encoder(parts.sentence_encoder)
        return cls(parts, artifact.card.version, chosen)

    def _answer(self, keys: list[Key]) -> NDArray[np.float32]:
        """Values and half-widths of new tracks, [n, 18]."""
        steps = (keys[start : start + _STEP] for start in range(0, len(keys), _STEP))
        return np.concatenate([self._predict(NetworkInputs.of_rows(step)) for step in steps])

    def _predict(self, inputs: NetworkInputs) -> NDArray[np.float32]:
        features, _, encoded = self.run(inputs)
        values = clip_to_ranges(features)
        return np.concatenate([values, self.parts.intervals.uncertainty(values, encoded.strata)], axis=1)

    def _run_block(self, block: NDArray[np.float32]) -> list[Any]:
        padded = np.zeros((_BLOCK, block.shape[1]), dtype=np.float32)
        padded[: len(block)] = block
        return [output[: len(block)] for output in self._session.run(["features", "trunk"], {"pooled": padded})]

    def _sentences(self, inputs: NetworkInputs) -> NDArray[np.float32] | None:
        """Text vectors [n, width] where a sentence encoder reads the text."""
        if self.parts.sentence_encoder is None:
            return None
        texts = [sentence(artist, title) for artist, title in zip(inputs.artist, inputs.title, strict=True)]
        return load_sentence_encoder(self.parts.sentence_encoder).encode(texts)
