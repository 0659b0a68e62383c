"""The life of a model of a user: it is stored, serves, is used, and can be rolled back. `cleanup` ends it.

Files come first, then the row, in the transaction of whoever trained. Where that is rolled back, files without a row
stay behind until the clean-up; a row without files cannot come to be.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core.errors import MusicSpaceError, PermanentError
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import ModelKind, UserModelState
from db.repositories import user_models as rows
from db.repositories.user_models import NewVersion, UserModelRow
from integrations.model_storage import ModelStorage, VersionPath
from models.recommenders.protocol import ModelFiles, TrainedModel

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a new version may serve, and why."""

    passed: bool
    reason: str
    metrics: Mapping[str, Any] = field(default_factory=dict)  #: JSON; recorded beside those of the training.


#: Loads a new version from its files and compares it with the one that serves.
Gate = Callable[[dict[str, bytes]], Verdict]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What became of a trained model."""

    row: UserModelRow | None  #: `None`: the gate turned it down, and the one before goes on serving.
    version: str
    reason: str


def storage_of(settings: Settings) -> ModelStorage:
    """Where the settings say that models of users are kept.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: MUSICSPACE_PERSONAL__STORAGE_URL cannot be used.
    """
    options = {name: value.get_secret_value() for name, value in settings.personal.storage_options.items()}
    return ModelStorage(settings.personal_models_url, options)


def store_version(
    session: Session, storage: ModelStorage, user_id: int | None, trained: TrainedModel, gate: Gate | None = None
) -> StoredModel:
    """Write a trained model, read it back, and let it serve if the gate lets it; the caller commits.

    Of one user and kind this happens one after the other until the end of the transaction, so each version is compared
    with what really serves. `user_id` is `None` for what all users have in common.

    Raises
    ------
    PermanentError
        `not-found`: the user is gone. `user-model-corrupt`: what was written cannot be read back, or a file has a
        format that no model may have.
    RetryableError
        `model-storage-unavailable`.
    """
    rows.lock(session, user_id, trained.kind)
    _finish_deletions(session, storage, user_id, trained.kind)
    path = VersionPath(trained.kind, user_id, _new_version(trained))
    with _removed_unless_kept(storage, str(path)) as keep:
        stored = storage.write(str(path), trained.files)
        files = storage.read(str(path), stored.sha256)
        verdict = Verdict(True, "It loads.") if gate is None else gate(files)
        if not verdict.passed:
            return StoredModel(None, path.version, verdict.reason)
        metrics = {**trained.metrics, **verdict.metrics}
        new = NewVersion(user_id, trained.kind, path.version, str(path), stored.sha256, stored.size_bytes, metrics)
        row = rows.push(session, new)
        if row is None:
            raise PermanentError("not-found", f"There is no user {user_id} any more; their model was not kept.")
        keep()
    return StoredModel(row, path.version, verdict.reason)


def serving(session: Session, user_id: int | None, kind: ModelKind) -> UserModelRow | None:
    """The version that serves, if there is one."""
    return rows.find(session, user_id, kind, UserModelState.SERVING)


def load_files(storage: ModelStorage, row: UserModelRow) -> dict[str, bytes]:
    """The files of a version, checked.

    Raises
    ------
    PermanentError
        `user-model-corrupt`: they are gone, or not those recorded. They go shortly after a newer version came: read the
        row again before you believe it.
    RetryableError
        `model-storage-unavailable`.
    """
    return storage.read(row.path, row.sha256)


def touch(session: Session, row_id: int) -> bool:
    """Note that a version is used; the caller commits. False: it is gone or about to go, and counts as missing."""
    return rows.touch(session, row_id)


def roll_back(session: Session, storage: ModelStorage, user_id: int | None, kind: ModelKind) -> UserModelRow:
    """Let the version before the one that serves serve again, and return it; the caller commits.

    The one that served is kept in its place, so a second roll-back undoes the first.

    Raises
    ------
    PermanentError
        `model-missing`: no version is kept. `user-model-corrupt`: its files are not those recorded.
    RetryableError
        `model-storage-unavailable`.
    """
    rows.lock(session, user_id, kind)
    current = rows.find(session, user_id, kind, UserModelState.SERVING)
    previous = rows.find(session, user_id, kind, UserModelState.PREVIOUS)
    if current is None or previous is None:
        whose = "of all users" if user_id is None else f"of user {user_id}"
        raise PermanentError("model-missing", f"No version of {kind} {whose} is kept that could serve again.")
    storage.read(previous.path, previous.sha256)
    rows.swap(session, current, previous)
    log.info("user_model_rolled_back", user_id=user_id, kind=kind, version=previous.version, instead_of=current.version)
    row = rows.find_by_path(session, previous.path)
    assert row is not None, "the row is locked"
    return row


def _new_version(trained: TrainedModel) -> str:
    """Design, content and chance: two trainings never share a folder, even where they learn the same."""
    return f"{trained.design}-{_content_digest(trained.files)[:8]}-{secrets.token_hex(4)}"


def _content_digest(files: ModelFiles) -> str:
    content = hashlib.sha256()
    for name in sorted(files):
        content.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return content.hexdigest()


def _finish_deletions(session: Session, storage: ModelStorage, user_id: int | None, kind: ModelKind) -> None:
    """Remove what earlier swaps marked; that they are seen here means that they are committed."""
    marked = rows.marked(session, user_id, kind)
    if marked:
        storage.delete(*(row.path for row in marked))
        rows.remove(session, [row.id for row in marked])


@contextmanager
def _removed_unless_kept(storage: ModelStorage, path: str) -> Iterator[Callable[[], None]]:
    """Removes files on the way out unless the function it gives was called. What cannot be removed is left behind."""
    kept: list[bool] = []
    try:
        yield lambda: kept.append(True)
    finally:
        if not kept:
            try:
                storage.delete(path)
            except MusicSpaceError as error:
                log.warning("model_left_behind", path=path, code=error.code, reason=error.message)
