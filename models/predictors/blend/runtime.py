"""The predictor `blend`, the default one: NumPy and ONNX Runtime, no training library."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import Artifact, load_artifact, write_arrays, write_document
from models.predictors.blend.columns import known_artist_columns, unknown_artist_columns, width_columns
from models.predictors.blend.description import Describer, Description
from models.predictors.blend.first_stage import SCALES, FirstGuess, FirstStage
from models.predictors.blend.genre_space import GenreSpace
from models.predictors.blend.memory import ArtistMemory, Recollection
from models.predictors.blend.vocabulary import Vocabulary
from models.predictors.protocol import Prediction, clip_to_ranges, confidence_from_uncertainty
from models.tree_ensemble import TreeEnsemble

NAME = "blend"
_ARRAYS_FILE = "arrays.npz"
_TERMS_FILE = "terms.json"
#: Artists that are in the memory, and all others.
KNOWN, UNKNOWN = "known", "unknown"

# Bounds the memory of one step, whatever the size of the batch.
_STEP = 512


@dataclass(frozen=True, slots=True)
class Judge:
    """The boosted trees for one kind of artist, and the calibration of their intervals."""

    values: bytes  #: ONNX, normalized units
    widths: bytes  #: ONNX, normalized units
    factor: NDArray[np.float32]  #: [9], makes widths hold four fifths of the truth
    floor: NDArray[np.float32]  #: [9], least width before the factor


@dataclass(frozen=True, slots=True)
class BlendParts:
    """Everything trained."""

    describer: Describer
    first_stage: FirstStage
    memory: ArtistMemory
    artist_fold: NDArray[np.int8]  #: Fold of the first stage that was trained without each artist of the memory
    judges: Mapping[str, Judge]  #: By `KNOWN` and `UNKNOWN`
    prior_uncertainty: NDArray[np.float32]  #: [9], half-widths of knowing nothing

    def look(self, tracks: TrackBatch) -> tuple[Description, FirstGuess, Recollection]:
        """What the parts before the trees say."""
        described = self.describer.describe(tracks)
        recalled = self.memory.recall(described)
        fold = np.where(recalled.known, self.artist_fold[recalled.artist], -1)
        return described, self.first_stage.guess(described, fold), recalled


class BlendPredictor:
    """Predicts with trained parts. See `models.predictors.protocol.FeaturePredictor` for the contract."""

    name = NAME

    def __init__(self, parts: BlendParts, version: str) -> None:
        self.parts = parts
        self.version = version
        self._values = {kind: TreeEnsemble(judge.values, name=NAME) for kind, judge in parts.judges.items()}
        self._widths = {kind: TreeEnsemble(judge.widths, name=NAME) for kind, judge in parts.judges.items()}

    def predict(self, tracks: TrackBatch) -> Prediction:
        """Values [n, 9], uncertainty [n, 9] and confidence [n] of n tracks; any field but the artist may be missing."""
        values = np.empty((len(tracks), N_FEATURES), dtype=np.float32)
        uncertainty = np.empty_like(values)
        for start, step in zip(range(0, len(tracks), _STEP), tracks.chunks(_STEP), strict=True):
            rows = slice(start, start + len(step))
            values[rows], uncertainty[rows] = self._predict(step)
        confidence = confidence_from_uncertainty(uncertainty, self.parts.prior_uncertainty)
        return Prediction(values, uncertainty, confidence)

    def _predict(self, tracks: TrackBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        described, guess, recalled = self.parts.look(tracks)
        values = np.empty((len(tracks), N_FEATURES), dtype=np.float32)
        uncertainty = np.empty_like(values)
        for kind, chosen in ((KNOWN, recalled.known), (UNKNOWN, ~recalled.known)):
            rows = np.flatnonzero(chosen)
            if rows.size:
                view = described.take(rows), guess.take(rows), recalled.take(rows)
                values[rows], uncertainty[rows] = self._judge(kind, *view)
        return values, uncertainty

    def _judge(
        self, kind: str, described: Description, guess: FirstGuess, recalled: Recollection
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        judge = self.parts.judges[kind]
        columns_of = known_artist_columns if kind == KNOWN else unknown_artist_columns
        columns = columns_of(described, guess, recalled)
        normalized = self._values[kind].predict(columns)
        values = clip_to_ranges(normalized * SCALES)
        widths = self._widths[kind].predict(width_columns(columns, normalized, guess))
        half_widths = np.maximum(widths, judge.floor) * judge.factor * SCALES
        return values, half_widths.astype(np.float32)

    def write_files(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        parts = self.parts
        arrays: dict[str, NDArray[Any]] = {
            "idf": parts.describer.vocabulary.idf,
            "artist_fold": parts.artist_fold,
            "prior_uncertainty": parts.prior_uncertainty,
        }
        for kind, judge in parts.judges.items():
            arrays |= {f"{kind}_factor": judge.factor, f"{kind}_floor": judge.floor}
            (folder / f"{kind}-values.onnx").write_bytes(judge.values)
            (folder / f"{kind}-widths.onnx").write_bytes(judge.widths)
        arrays |= parts.first_stage.arrays() | parts.memory.arrays() | parts.describer.genre_space.arrays()
        write_arrays(folder / _ARRAYS_FILE, arrays)
        terms = {"tokens": parts.describer.vocabulary.document(), "genres": parts.describer.genre_space.genres}
        write_document(folder / _TERMS_FILE, terms)

    @classmethod
    def load(cls, artifacts_dir: Path) -> Self:
        """Load the artifact `blend` below `artifacts_dir`.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`, with the path and the way out.
        """
        artifact = load_artifact(artifacts_dir, NAME)
        arrays, terms = artifact.arrays(_ARRAYS_FILE), artifact.document(_TERMS_FILE)
        parts = BlendParts(
            describer=Describer(
                Vocabulary.restore(terms["tokens"], arrays), GenreSpace.restore(terms["genres"], arrays)
            ),
            first_stage=FirstStage.restore(arrays),
            memory=ArtistMemory.restore(arrays),
            artist_fold=arrays["artist_fold"],
            judges={kind: _judge(artifact, kind, arrays) for kind in (KNOWN, UNKNOWN)},
            prior_uncertainty=arrays["prior_uncertainty"],
        )
        return cls(parts, artifact.card.version)


def _judge(artifact: Artifact, kind: str, arrays: Mapping[str, NDArray[Any]]) -> Judge:
    return Judge(
        values=artifact.read(f"{kind}-values.onnx"),
        widths=artifact.read(f"{kind}-widths.onnx"),
        factor=arrays[f"{kind}_factor"],
        floor=arrays[f"{kind}_floor"],
    )
