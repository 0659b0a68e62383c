"""The predictor `blend`, the default one: NumPy and ONNX Runtime, no training library."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import Artifact, load_artifact, write_arrays, write_document
from models.predictors.blend.columns import KNOWN, UNKNOWN
from models.predictors.blend.description import Describer
from models.predictors.blend.first_stage import SCALES, FirstStage
from models.predictors.blend.genre_space import GenreSpace
from models.predictors.blend.judge import N_NETWORKS, Correction, Drift, Judge, JudgeParts, View
from models.predictors.blend.memory import ArtistMemory
from models.predictors.blend.vocabulary import Vocabulary
from models.predictors.protocol import Prediction, clip_to_ranges, confidence_from_uncertainty

NAME = "blend"
_ARRAYS_FILE = "arrays.npz"
_TERMS_FILE = "terms.json"
# Bounds the memory of one step, whatever the size of the batch.
_STEP = 512


@dataclass(frozen=True, slots=True)
class BlendParts:
    """Everything trained."""

    describer: Describer
    first_stage: FirstStage
    memory: ArtistMemory
    artist_fold: NDArray[np.int8]  #: Fold of the first stage that was trained without each artist of the memory
    judges: Mapping[str, JudgeParts]  #: By `KNOWN` and `UNKNOWN`
    prior_uncertainty: NDArray[np.float32]  #: [9], half-widths of knowing nothing

    def look(self, tracks: TrackBatch) -> View:
        """What the parts before the judges say."""
        described = self.describer.describe(tracks)
        recalled = self.memory.recall(described)
        fold = np.where(recalled.known, self.artist_fold[recalled.artist], -1)
        return View(described, self.first_stage.guess(described, fold), recalled)


class BlendPredictor:
    """Predicts with trained parts. See `models.predictors.protocol.FeaturePredictor` for the contract."""

    name = NAME

    def __init__(self, parts: BlendParts, version: str) -> None:
        self.parts = parts
        self.version = version
        # Opening four sets of trees takes most of the time of loading, and ONNX Runtime works outside Python's lock.
        with ThreadPoolExecutor() as pool:
            self._judges = dict(zip(parts.judges, pool.map(Judge, parts.judges, parts.judges.values()), strict=True))

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
        view = self.parts.look(tracks)
        values = np.empty((len(tracks), N_FEATURES), dtype=np.float32)
        widths = np.empty_like(values)
        for kind, chosen in ((KNOWN, view.recalled.known), (UNKNOWN, ~view.recalled.known)):
            rows = np.flatnonzero(chosen)
            if rows.size:
                values[rows], widths[rows] = self._judges[kind].judge(view.take(rows))
        return clip_to_ranges(values * SCALES), (widths * SCALES).astype(np.float32)

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
            arrays |= judge.correction.arrays(kind) | judge.drift.arrays(kind)
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
            judges={kind: _judge_parts(artifact, kind, arrays) for kind in (KNOWN, UNKNOWN)},
            prior_uncertainty=arrays["prior_uncertainty"],
        )
        return cls(parts, artifact.card.version)


def _judge_parts(artifact: Artifact, kind: str, arrays: Mapping[str, NDArray[Any]]) -> JudgeParts:
    return JudgeParts(
        values=artifact.read(f"{kind}-values.onnx"),
        widths=artifact.read(f"{kind}-widths.onnx"),
        correction=Correction.restore(arrays, kind, N_NETWORKS),
        factor=arrays[f"{kind}_factor"],
        floor=arrays[f"{kind}_floor"],
        drift=Drift.restore(arrays, kind),
    )
