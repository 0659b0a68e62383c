"""Every version of an artifact in a folder of its own: `<versions>/<name>/<version>/<name>/card.json`.

The folder of a version is the root of an artifact, so whatever loads shipped artifacts loads versions, too. Workers of
several machines may share the folder of all versions: a version appears whole by one rename, and never changes.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.durable_files import move_durably
from core.errors import ConfigurationError
from models.artifacts.card import Card
from models.artifacts.store import load_artifact, publish_artifact

_CARD_FILE = "card.json"


def version_root(versions_dir: Path, name: str, version: str) -> Path:
    """Where a version lies; to be used as the root of the artifact `name`."""
    return versions_dir / name / version


def publish_version(versions_dir: Path, card: Card, write_files: Callable[[Path], None]) -> Card:
    """Write an artifact as a version of its own; arguments and result as for `publish_artifact`.

    The same content gives the same version: where its folder is there and its card is readable, that one stays.
    """
    folder = versions_dir / card.name
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder))
    try:
        # mkdtemp lets nobody else in; other workers may run as other users.
        staging.chmod(0o755)
        published = publish_artifact(staging, card, write_files)
        target = version_root(versions_dir, published.name, published.version)
        if target.exists() and not _is_whole(target, published):
            shutil.rmtree(target)
        _move_unless_there(staging, target, published)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return load_artifact(target, card.name).card


def check_writable(versions_dir: Path, name: str) -> None:
    """Find out before a long training whether its version can be written.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: it cannot; the message names the folder and the setting.
    """
    folder = versions_dir / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            "invalid-settings",
            f"Models cannot be written to {folder} ({error.strerror}). Set MUSICSPACE_MODELS_DIR to another folder.",
        ) from None


def card_digest(root: Path, name: str) -> str:
    """SHA-256 of the card of an artifact; the card in turn names the checksum of each of its files.

    Raises
    ------
    ConfigurationError
        `artifact-missing`: there is no card.
    """
    path = root / name / _CARD_FILE
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError("artifact-missing", f"{path} cannot be read ({error.strerror}).") from None


def _move_unless_there(staging: Path, target: Path, card: Card) -> None:
    try:
        move_durably(staging, target)
    except OSError:
        # It was there before, or another process published it at the same moment.
        if not _is_whole(target, card):
            raise


def _is_whole(root: Path, card: Card) -> bool:
    """Whether the folder holds this version with every file unharmed."""
    try:
        artifact = load_artifact(root, card.name)
        for file in card.files:
            artifact.read(file)
    except ConfigurationError:
        return False
    return artifact.card.version == card.version
