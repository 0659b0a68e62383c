"""Training of the predictor `neural` from a reference table, to an artifact that needs no torch."""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURES
from core.settings import get_settings
from models.evaluation import measure_speed, mne_eight
from models.predictors.neural.bags import EmbeddingTable
from models.predictors.neural.checkpoint import CheckpointFile
from models.predictors.neural.export import quantize_weights, to_onnx
from models.predictors.neural.inputs import NetworkInputs
from models.predictors.neural.loop import outputs, single_thread
from models.predictors.neural.network import TABLE_WIDTH, NeuralNetwork
from models.predictors.neural.options import LOSS_SCALES, LOSS_WEIGHTS, TrainingOptions
from models.predictors.neural.parts import NETWORK_FILES, TABLE_FILES, Network, NeuralParts, Tables, Variant
from models.predictors.neural.runs import TrainedNetwork, TrainingTracks, train_network
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.sentences import load_sentence_encoder
from models.predictors.protocol import OnProgress, TrainedPredictor, clip_to_ranges
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable

#: Version of the method; changes when the same table would give another model.
DESIGN = "1"
SUMMARY = (
    "Neural network with text, genre, mood and metadata branches (384 + 64 + 32 + 32), fused to 256 and 128, one head "
    "per feature; sees no popularity, rating, play count, follower count or chart. 80 % intervals from the errors of "
    "networks that had not seen the track."
)
MIN_ROWS = 100
#: Where interrupted trainings leave their state; a finished one takes its own away.
CHECKPOINTS = Path("~/.cache/musicspace/neural-training")

# Eight bits ship unless they move predictions by more than this on average, in normalized error: a hundredth of M1's.
_LARGEST_INT8_SHIFT = 0.001
# The exported network must repeat torch's numbers to this share of each feature's scale.
_EXPORT_TOLERANCE = 1e-4
_SAMPLE = 2_000

_SCALES = np.array([feature.scale for feature in FEATURES], dtype=np.float32)

log = logging.getLogger(__name__)


def train(
    table: ReferenceTable,
    on_progress: OnProgress,
    options: TrainingOptions | None = None,
    checkpoints: Path | None = CHECKPOINTS,
) -> TrainedPredictor:
    """Train on the fold `train` of a reference table; the same table and options give the same bytes.

    Parameters
    ----------
    table
        All of it. Other folds only measure, for the card, what quantization costs.
    on_progress
        Called after every epoch; runs that stop early skip ahead.
    options
        The platform's by default, with the sentence encoder that the settings name.
    checkpoints
        Folder for the state after each epoch: a training that was interrupted goes on from there when it is started
        again. None: keep no state.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few training rows.
    ConfigurationError
        `invalid-settings`: the sentence encoder asked for is not installed.
    """
    chosen = options or TrainingOptions(sentence_encoder=get_settings().neural.sentence_encoder)
    rows = table.in_fold(TRAIN_FOLD)
    if len(rows) < MIN_ROWS:
        reason = f"{table.path} has {len(rows)} rows in the fold {TRAIN_FOLD!r}; neural needs at least {MIN_ROWS}."
        raise PermanentError("invalid-option", reason)
    sentence_encoder = load_sentence_encoder(chosen.sentence_encoder) if chosen.sentence_encoder else None
    tracks = TrainingTracks.of(NetworkInputs.of(rows.tracks), rows.targets, sentence_encoder)
    fingerprint = _fingerprint(tracks, chosen)
    folder = None if checkpoints is None else _state_folder(checkpoints.expanduser() / fingerprint[:16])

    def checkpoint(run: int) -> CheckpointFile | None:
        return None if folder is None else CheckpointFile(folder / f"run-{run}.npz", fingerprint)

    steps = (chosen.calibration_runs + 1) * chosen.max_epochs
    with single_thread():
        trained = train_network(
            tracks, chosen, checkpoint, lambda run, epoch: on_progress(run * chosen.max_epochs + epoch, steps)
        )
        result = _assembled(trained, tracks, table, chosen)
    on_progress(steps, steps)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _state_folder(folder: Path) -> Path | None:
    """The folder, or None where it cannot be made: a training without a state is better than none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.warning("The training cannot be resumed if it is interrupted: %s (%s)", folder, error.strerror)
        return None
    return folder


def _assembled(
    trained: TrainedNetwork, tracks: TrainingTracks, table: ReferenceTable, options: TrainingOptions
) -> TrainedPredictor:
    networks = _variants(trained.network)
    sample = tracks.take(np.linspace(0, len(tracks.targets) - 1, num=min(len(tracks.targets), _SAMPLE)).astype(int))
    parts = NeuralParts(trained.encoder, options.sentence_encoder, trained.intervals, networks, "full")
    features = {variant: NeuralPredictor(parts, DESIGN, variant).run(sample.inputs)[0] for variant in networks}
    _check_export(features["full"], trained.network, sample, trained)
    shift = float(np.abs((clip_to_ranges(features["int8"]) - clip_to_ranges(features["full"])) / _SCALES).mean())
    default: Variant = "int8" if shift <= _LARGEST_INT8_SHIFT else "full"
    parts = NeuralParts(trained.encoder, options.sentence_encoder, trained.intervals, networks, default)
    parameters = _parameters(trained, options) | {
        "default_variant": default,
        "mean normalized difference of int8 from full": round(shift, 6),
        "variants": {variant: _measured(parts, variant, table) for variant in networks},
    }
    # A fresh predictor: like a worker's, it starts with nothing in its caches.
    fresh = NeuralPredictor(parts.with_fresh_encoder(), DESIGN)
    return TrainedPredictor(fresh, DESIGN, SUMMARY, parameters, fresh.write_files)


def _variants(network: NeuralNetwork) -> dict[Variant, Network]:
    """Both variants; the tables of `network` are rounded to half precision, which is what ships as "full"."""
    tables = (network.text_table, network.genre_table, network.mood_table)
    with torch.no_grad():
        for table in tables:
            table.weight.copy_(table.weight.half().float())
    arrays = [table.weight.detach().numpy() for table in tables]
    content = to_onnx(network.fusion)
    return {
        "full": Network(Tables(*map(EmbeddingTable.half, arrays)), content),
        "int8": Network(Tables(*map(EmbeddingTable.int8, arrays)), quantize_weights(content)),
    }


def _check_export(
    exported: NDArray[np.float32], network: NeuralNetwork, sample: TrainingTracks, trained: TrainedNetwork
) -> None:
    expected = outputs(network, sample.examples(trained.encoder))
    difference = float((np.abs(exported - expected) / _SCALES).max())
    if difference > _EXPORT_TOLERANCE:
        raise AssertionError(f"the exported network differs from torch by {difference:.2g}")


def _measured(parts: NeuralParts, variant: Variant, table: ReferenceTable) -> dict[str, Any]:
    """Size, speed and error of one variant, for the card."""
    network = parts.networks[variant]
    arrays = network.tables.arrays().values()
    predictor = NeuralPredictor(parts.with_fresh_encoder(), DESIGN, variant)
    figures: dict[str, Any] = {
        "files": f"{NETWORK_FILES[variant]}, {TABLE_FILES[variant]}",
        "bytes": len(network.onnx) + sum(array.nbytes for array in arrays),
        "tracks per second": round(measure_speed(predictor, table.tracks)),
    }
    for fold in HOLDOUT_FOLDS:
        if len(rows := table.in_fold(fold)):
            figures[f"MNE of eight, {fold}"] = round(mne_eight(predictor.predict(rows.tracks).values, rows.targets), 5)
    return figures


def _parameters(trained: TrainedNetwork, options: TrainingOptions) -> dict[str, Any]:
    encoder = trained.encoder
    ngrams = f"trained table of {len(encoder.text):,} names, words and character n-grams, {TABLE_WIDTH} wide"
    return {
        "text_encoder": ngrams if options.sentence_encoder is None else options.sentence_encoder,
        "genres": len(encoder.genres),
        "moods": len(encoder.moods) or "none in the training data: the branch is untrained and moods are passed over",
        "epochs": trained.epochs,
        "best epochs of the calibration runs": [history.best_epoch for history in trained.calibration],
        "validation errors (MNE of nine) of the calibration runs": [
            round(run.best_error, 5) for run in trained.calibration
        ],
        "loss_weights": LOSS_WEIGHTS,
        "loss_scales": LOSS_SCALES,
        "options": options.as_dict(),
        "torch": torch.__version__,
    }


def _fingerprint(tracks: TrainingTracks, options: TrainingOptions) -> str:
    """Changes with anything that would give another model."""
    digest = hashlib.sha256(json.dumps([DESIGN, torch.__version__, options.as_dict()]).encode())
    digest.update(tracks.targets.tobytes())
    for row in tracks.inputs.rows():
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
