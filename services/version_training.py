"""Train a new version of a predictor: keep it, compare it with the one that serves, promote it if it is not worse."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.model_states import ModelState
from core.telemetry import get_logger
from db.repositories import model_versions as rows
from models.artifacts import Card
from models.artifacts.versions import card_digest, check_writable, publish_version, version_root
from models.evaluation import Evaluation, evaluate
from models.predictors.protocol import OnProgress
from models.registry import require_predictor
from models.training_data import ReferenceTable
from services.promotion_gate import gate_error, judge
from services.serving import ModelFolders, load_serving, serving_version, shipped_version
from services.training import Training, train

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """What became of a training."""

    name: str
    version: str
    state: ModelState | None  #: `None` for the version that ships with MusicSpace, trained again to the byte.
    reason: str
    known: bool  #: Whether this very version was there before; then nothing changed.
    baseline: str | None  #: The version it was compared with.
    folder: Path
    card: Card
    evaluation: Evaluation

    def as_result(self) -> dict[str, Any]:
        """What the ledger keeps of it."""
        names = ("name", "version", "state", "reason", "known", "baseline")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class _Incumbent:
    """The version that serves, as far as it could be judged."""

    version: str | None = None
    error: float | None = None


def train_version(
    session: Session,
    name: str,
    table: ReferenceTable,
    folders: ModelFolders,
    *,
    tolerance: float,
    on_progress: OnProgress,
    job_id: int | None = None,
) -> TrainedVersion:
    """Train the predictor `name` and record what came of it. The session is not used before the training is over.

    Parameters
    ----------
    tolerance
        How much larger the error of the new version may be, see `services.promotion_gate.judge`.
    job_id
        The job that asked for it.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no such predictor.
    ConfigurationError
        `invalid-settings` or `extra-missing`: the folder of versions cannot be written, or a library is missing.
    """
    require_predictor(name)
    check_writable(folders.versions, name)
    training = train(name, table, on_progress)
    return record_training(session, training, table, folders, tolerance=tolerance, job_id=job_id)


def record_training(
    session: Session,
    training: Training,
    table: ReferenceTable,
    folders: ModelFolders,
    *,
    tolerance: float,
    job_id: int | None = None,
) -> TrainedVersion:
    """Publish a training as a version, compare it with the version that serves on the same holdouts, and record it.

    Trainings of one predictor are judged one after the other, so that each is compared with what really serves.
    """
    card = publish_version(folders.versions, training.card, training.trained.write_files)
    folder = version_root(folders.versions, card.name, card.version)
    outcome = partial(TrainedVersion, card.name, card.version, folder=folder, card=card, evaluation=training.evaluation)
    rows.lock_model(session, card.name)
    if known := _known(session, card, folders):
        return outcome(*known, known=True, baseline=None)
    incumbent = _judged_incumbent(session, card.name, table, folders)
    error = gate_error(training.evaluation)
    verdict = judge(error, incumbent.version, incumbent.error, tolerance)
    version_id = rows.add_version(
        session,
        name=card.name,
        version=card.version,
        # Promoted a moment later, when the one before it is retired.
        state=ModelState.CANDIDATE if verdict.state is ModelState.PROMOTED else verdict.state,
        reason=verdict.reason,
        card_sha256=card_digest(folder, card.name),
        metrics=_metrics(training.evaluation, error, incumbent.error),
        baseline=incumbent.version,
        job_id=job_id,
    )
    if verdict.state is ModelState.PROMOTED:
        rows.push_promotion(session, version_id, verdict.reason)
    return outcome(verdict.state, verdict.reason, known=False, baseline=incumbent.version)


def _known(session: Session, card: Card, folders: ModelFolders) -> tuple[ModelState | None, str] | None:
    """State and reason of a version that was there before this training."""
    row = rows.find_version(session, card.name, card.version)
    if row is not None:
        # Its folder may have been lost and written anew, with a card of today.
        folder = version_root(folders.versions, card.name, card.version)
        rows.set_card_digest(session, row.id, card_digest(folder, card.name))
        return row.state, row.reason
    try:
        shipped = shipped_version(card.name, folders)
    except ConfigurationError:
        return None
    return (None, "It is the version that ships with MusicSpace.") if shipped.version == card.version else None


def _judged_incumbent(session: Session, name: str, table: ReferenceTable, folders: ModelFolders) -> _Incumbent:
    """The version that serves. One that cannot be judged here is named without a figure: the training must not fail."""
    promoted = rows.promoted_version(session, name)
    try:
        serving = serving_version(session, name, folders)
        return _Incumbent(serving.version, gate_error(evaluate(load_serving(serving), table)))
    except ConfigurationError as error:
        if promoted is None and error.code == "artifact-missing":
            return _Incumbent()
        log.warning("incumbent_not_judged", predictor=name, code=error.code, reason=error.message)
        return _Incumbent("the shipped version" if promoted is None else promoted.version)


def _metrics(evaluation: Evaluation, error: float | None, incumbent_error: float | None) -> dict[str, Any]:
    """The figures that operators compare; the card has all of them."""
    return {
        "error": error,
        "baseline_error": incumbent_error,
        "scores": [
            {
                "fold": score.fold,
                "min_popularity": score.min_popularity,
                "rows": score.rows,
                "mne_eight": score.mne_eight,
                "coverage": score.mean_coverage,
            }
            for score in evaluation.scores
        ],
    }
