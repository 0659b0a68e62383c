"""Predictors trained anew for a split, kept on disk so that an interrupted evaluation resumes with the next one.

An artifact is used again where the table (its SHA-256), the split and the design of the predictor are the same.
"""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from core.errors import ConfigurationError
from core.features import FEATURE_NAMES
from models.artifacts import Card, load_artifact, publish_artifact
from models.evaluation.splits import Split
from models.predictors.protocol import FeaturePredictor, OnProgress, TrainedPredictor
from models.registry import PREDICTORS, find_trainer, load_predictor


def retrained_predictor(
    name: str, split: Split, table_sha256: str, work_dir: Path, on_progress: OnProgress
) -> FeaturePredictor:
    """The predictor `name` as learned from the training rows of a split alone.

    Parameters
    ----------
    name
        A key of `models.registry.PREDICTORS`.
    table_sha256
        Of the file that the split was made from.
    work_dir
        Where trained artifacts are kept, in a folder for each table and split.
    on_progress
        Called with the steps done and all steps of a training; not at all where one is kept.
    """
    root = work_dir / f"{split.name}-{len(split.training)}-{table_sha256[:12]}"
    if not _is_kept(root, name):
        trained = find_trainer(name)(split.training, on_progress)
        publish_artifact(root, _card(trained, split), trained.write_files)
    return load_predictor(name, root)


def _is_kept(root: Path, name: str) -> bool:
    """Whether a whole artifact of the trainer's present design is there."""
    try:
        artifact = load_artifact(root, name)
        for file in artifact.card.files:
            artifact.read(file)
    except ConfigurationError:
        return False
    design, _, _ = artifact.card.version.rpartition("-")
    return design == _design(name)


def _design(name: str) -> str | None:
    """The version of the method, which the module of a trainer names; None, which no artifact has, where it does not.

    A library that the training needs may be missing; the training says so.
    """
    module, _, _ = PREDICTORS[name].trainer.partition(":")
    try:
        return getattr(import_module(module), "DESIGN", None)
    except ModuleNotFoundError:
        return None


def _card(trained: TrainedPredictor, split: Split) -> Card:
    return Card(
        name=trained.predictor.name,
        version=trained.design,
        created=datetime.now(UTC).date().isoformat(),
        summary=f"{trained.summary} Trained for the {split.name} split of an evaluation, not to serve.",
        data=split.training.describe(),
        rows=len(split.training),
        features=FEATURE_NAMES,
        metrics={},
        parameters=trained.parameters,
        libraries={},
    )
