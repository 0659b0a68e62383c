"""Versions of the predictors, as operators see and steer them: look, promote by hand, roll back."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import ConfigurationError, PermanentError
from core.model_states import ModelState
from db.repositories import model_versions as rows
from db.repositories.model_versions import VersionRow
from models.registry import PREDICTORS, require_predictor
from services.serving import ModelFolders, check_available, serving_version, shipped_version, stored_version


@dataclass(frozen=True, slots=True)
class Promotion:
    """One time that a version began to serve."""

    version: str
    reason: str
    promoted_at: datetime
    rolled_back_at: datetime | None
    rollback_reason: str | None


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """A predictor, what serves, and every version that was trained here."""

    name: str
    serving: str | None  #: `None` where nothing was trained here and nothing ships.
    shipped: str | None  #: The version shipped with MusicSpace; it serves where none is promoted.
    versions: list[VersionRow] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)


def model_overview(session: Session, name: str, folders: ModelFolders) -> ModelOverview:
    """One predictor with its versions, the newest first, and its promotions, the oldest first.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no predictor of that name.
    """
    require_predictor(name)
    promoted = rows.promoted_version(session, name)
    shipped = _shipped(name, folders)
    return ModelOverview(
        name=name,
        serving=shipped if promoted is None else promoted.version,
        shipped=shipped,
        versions=rows.list_versions(session, name),
        promotions=[Promotion(**row) for row in rows.list_promotions(session, name)],
    )


def list_models(session: Session, folders: ModelFolders) -> list[ModelOverview]:
    """Every predictor."""
    return [model_overview(session, name, folders) for name in PREDICTORS]


def promote(session: Session, name: str, version: str, folders: ModelFolders, reason: str | None = None) -> VersionRow:
    """Let a version serve, whatever its figures are; the caller commits.

    Raises
    ------
    PermanentError
        `invalid-option` or `not-found`: no such predictor or version. `wrong-state`: it serves already.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: its files are not on this machine, or not the ones recorded.
    """
    require_predictor(name)
    rows.lock_model(session, name)
    row = _version(session, name, version)
    if row.state is ModelState.PROMOTED:
        raise PermanentError("wrong-state", f"{name} {version} serves already.")
    check_available(stored_version(row, folders))
    rows.push_promotion(session, row.id, f"By hand: {reason or 'no reason given'}.")
    return _version(session, name, version)


def rollback(session: Session, name: str, folders: ModelFolders, reason: str | None = None) -> str:
    """Let the version before the one that serves serve again, and return it; the caller commits.

    Each rollback goes one promotion further back; before the first promotion the shipped version served.

    Raises
    ------
    PermanentError
        `invalid-option`: no such predictor. `wrong-state`: no version is promoted.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the version before cannot be used on this machine.
    """
    require_predictor(name)
    rows.lock_model(session, name)
    current = rows.promoted_version(session, name)
    if current is None:
        raise PermanentError("wrong-state", f"No version of {name} is promoted; there is nothing to roll back.")
    previous = rows.previous_version(session, name)
    if previous is not None:
        check_available(stored_version(previous, folders))
    rows.pop_promotion(session, name, reason or "no reason given")
    return serving_version(session, name, folders).version


def _version(session: Session, name: str, version: str) -> VersionRow:
    # Versions are plain ASCII; other text may not even be valid in the database.
    row = rows.find_version(session, name, version) if version.isascii() and "\0" not in version else None
    if row is None:
        raise PermanentError(
            "not-found", f"There is no version {version!r} of {name}. `musicspace models list {name}` shows them."
        )
    return row


def _shipped(name: str, folders: ModelFolders) -> str | None:
    try:
        return shipped_version(name, folders).version
    except ConfigurationError:
        return None
