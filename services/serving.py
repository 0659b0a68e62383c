"""Which version of a predictor serves: the promoted one, else the one shipped with MusicSpace."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.settings import Settings
from db.repositories.model_versions import VersionRow, promoted_version
from models.artifacts import load_artifact
from models.artifacts.versions import card_digest, version_root
from models.predictors.protocol import FeaturePredictor
from models.registry import load_predictor, require_predictor, shipped_artifacts


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Where trained models lie on this machine."""

    shipped: Path
    versions: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The folders that the settings name."""
        return cls(settings.artifacts_dir or shipped_artifacts(), settings.versions_dir)


@dataclass(frozen=True, slots=True)
class Serving:
    """A version that can be loaded; equal ones load the same predictor."""

    name: str
    version: str
    root: Path
    card_sha256: str | None  #: What its card must be; `None` for a shipped one.


def serving_version(session: Session, name: str, folders: ModelFolders) -> Serving:
    """The version of a predictor that serves now.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no predictor of that name.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: it is the shipped one, and that cannot be used.
    """
    require_predictor(name)
    promoted = promoted_version(session, name)
    return shipped_version(name, folders) if promoted is None else stored_version(promoted, folders)


def shipped_version(name: str, folders: ModelFolders) -> Serving:
    """The version shipped with MusicSpace."""
    return Serving(name, load_artifact(folders.shipped, name).card.version, folders.shipped, None)


def stored_version(row: VersionRow, folders: ModelFolders) -> Serving:
    """A version that was trained here. Its files are not looked at."""
    return Serving(row.name, row.version, version_root(folders.versions, row.name, row.version), row.card_sha256)


def check_available(serving: Serving) -> None:
    """Raise `ConfigurationError` unless this machine has the card of the version, unchanged since it was recorded."""
    if serving.card_sha256 is None:
        return
    try:
        found = card_digest(serving.root, serving.name)
    except ConfigurationError as error:
        raise ConfigurationError(
            error.code,
            f"{serving.name} {serving.version} is not on this machine: {error.message} "
            "Every machine must see the folder MUSICSPACE_MODELS_DIR in which it was trained.",
        ) from None
    if found != serving.card_sha256:
        raise ConfigurationError(
            "artifact-corrupt",
            f"{serving.root}: the card of {serving.name} {serving.version} is not the one that was recorded. "
            f"Restore the folder, or run `musicspace models rollback {serving.name}`.",
        )


def load_serving(serving: Serving) -> FeaturePredictor:
    """Load the predictor. Raises `ConfigurationError` where its files are missing or changed."""
    check_available(serving)
    return load_predictor(serving.name, serving.root)
