"""Train a global predictor: learn from a reference table, judge on its holdouts, publish the artifact."""

import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.features import FEATURE_NAMES
from models.artifacts import Card, publish_artifact
from models.evaluation import Evaluation, Score, evaluate
from models.predictors.protocol import OnProgress, TrainedPredictor
from models.registry import find_trainer, require_predictor
from models.training_data import TRAIN_FOLD, ReferenceTable, read_reference_table

# Whichever of these is there: each predictor is trained with some of them.
_LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxruntime", "pyarrow", "scikit-learn", "scipy", "torch")


@dataclass(frozen=True, slots=True)
class Training:
    """A trained predictor, judged and not yet published."""

    trained: TrainedPredictor
    evaluation: Evaluation
    card: Card  #: As `publish_artifact` takes it: without files, and with the version of the method alone.


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A published artifact and how good it is."""

    card: Card
    folder: Path
    evaluation: Evaluation


def train(name: str, table: ReferenceTable, on_progress: OnProgress) -> Training:
    """Train the predictor `name` on the fold `train` of a reference table and judge it on the holdouts.

    `on_progress` is called with the steps done and all steps of the training.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no such predictor.
    ConfigurationError
        `extra-missing`: a library that its training needs is not installed.
    """
    trained = find_trainer(name)(table, on_progress)
    evaluation = evaluate(trained.predictor, table)
    return Training(trained, evaluation, _card(trained, table, evaluation))


def train_global(name: str, data: Path, root: Path, on_progress: OnProgress) -> TrainingResult:
    """Train the predictor `name` on a reference table and publish it below `root`, as the shipped artifacts are made.

    Parameters
    ----------
    name
        A key of `models.registry.PREDICTORS`.
    data
        The reference table, see `models.training_data.read_reference_table`. Only its fold `train` is learned from.
    root
        Folder of all artifacts; an older artifact of that name is replaced once the new one is complete.
    on_progress
        See `train`.

    Raises
    ------
    PermanentError
        `invalid-option` or `file-not-found`: no such predictor, or the file is no reference table.
    """
    require_predictor(name)
    training = train(name, read_reference_table(data), on_progress)
    card = publish_artifact(root, training.card, training.trained.write_files)
    return TrainingResult(card, root / card.name, training.evaluation)


def _card(trained: TrainedPredictor, table: ReferenceTable, evaluation: Evaluation) -> Card:
    return Card(
        name=trained.predictor.name,
        version=trained.design,
        created=datetime.now(UTC).date().isoformat(),
        summary=trained.summary,
        data=table.describe(),
        rows=int((table.fold == TRAIN_FOLD).sum()),
        features=FEATURE_NAMES,
        metrics={_title(score): _metrics(score) for score in evaluation.scores},
        parameters=trained.parameters,
        libraries={"python": platform.python_version(), **_installed()},
    )


def _installed() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


def _title(score: Score) -> str:
    which = "all tracks" if score.min_popularity is None else f"popularity >= {score.min_popularity}"
    return f"{score.fold}, {which}"


def _metrics(score: Score) -> dict[str, Any]:
    return {
        "rows": score.rows,
        "MNE of the benchmark's eight": round(score.mne_eight, 4),
        "MNE of all nine": round(score.mne_nine, 4),
        "MNE of the global mean (eight)": round(score.yardstick_eight, 4),
        "coverage of the 80 % interval": round(score.mean_coverage, 3),
        "normalized error": {name: round(error, 4) for name, error in zip(FEATURE_NAMES, score.error, strict=True)},
    }
