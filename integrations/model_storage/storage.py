"""`ModelStorage`: versions of models of users as files with checksums, wherever they lie."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from errno import errorcode
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.errors import ConfigurationError, PermanentError, RetryableError
from integrations.model_storage.layout import (
    MANIFEST,
    Place,
    StoredFolder,
    Stranger,
    VersionPath,
    is_file_name,
    is_in_layout,
)
from integrations.model_storage.local import LocalPlace
from integrations.model_storage.manifest import ListedFile, digest, list_files, listed_files
from integrations.model_storage.remote import RemotePlace

# What clients of object stores raise beside `OSError`. Looked up among the loaded modules: who keeps models in a folder
# does not load them.
_CLIENT_ERRORS = {"botocore.exceptions": ("BotoCoreError", "ClientError"), "aiohttp": ("ClientError",)}


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """What the table keeps of a version."""

    sha256: str  #: Of the manifest, which has the checksum of each file.
    size_bytes: int  #: Of all files with the manifest.


class ModelStorage:
    """All models of users below one root.

    Every method but the constructor may raise `RetryableError` (`model-storage-unavailable`: no answer, no permission,
    a full disk) and `ConfigurationError` (`extra-missing`, `invalid-settings`); those that take a path, also
    `PermanentError` (`user-model-corrupt`) where it could lead out of the root.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        """`url` is a folder, `file://`, or anything fsspec knows; nothing is reached yet.

        Raises
        ------
        ConfigurationError
            `invalid-settings`: the URL chains file systems, whose caches would hide what others change.
        """
        self._place = _place(url, options or {})

    @property
    def name(self) -> str:
        """Where the models lie, for people; without secrets."""
        return self._place.name

    @property
    def at_once(self) -> int:
        """How many versions are best removed by one call of `delete`: many where each is a journey to a server."""
        return self._place.at_once

    def write(self, path: str, files: Mapping[str, bytes]) -> StoredFiles:
        """Store a version: in a folder whole or not at all, elsewhere with the manifest last.

        Raises
        ------
        PermanentError
            `wrong-state`: the version is there already; it never changes. `user-model-corrupt`: a file has a name or
            format that no model may have.
        """
        for name in files:
            if not is_file_name(name) or name == MANIFEST:
                raise PermanentError(
                    "user-model-corrupt", f"{path} may not have a file {name!r}: models are JSON, NPZ, CBM or text."
                )
        manifest = list_files(files)
        with self._reaching(path):
            try:
                self._place.write(VersionPath.parse(path), {**files, MANIFEST: manifest})
            except FileExistsError:
                raise PermanentError("wrong-state", f"{path} is there already. Versions never change.") from None
        return StoredFiles(digest(manifest), len(manifest) + sum(map(len, files.values())))

    def read(self, path: str, sha256: str) -> dict[str, bytes]:
        """All files of a version but the manifest, each of them as it was written.

        Raises
        ------
        PermanentError
            `user-model-corrupt`: files are gone, or differ from those recorded.
        """
        place = VersionPath.parse(path)
        manifest = self._read(place, MANIFEST)
        if digest(manifest) != sha256:
            raise _corrupt(path, MANIFEST)
        try:
            listed = listed_files(manifest)
        except ValueError as error:
            raise _corrupt(path, f"{MANIFEST} ({error})") from None
        return {name: self._read_checked(place, name, file) for name, file in listed.items()}

    def holds(self, path: str) -> bool:
        """Whether a version is there; its files are not looked at."""
        with self._reaching():
            return self._place.has(VersionPath.parse(path), MANIFEST)

    def delete(self, *paths: str) -> None:
        """Remove versions, or what is left of them."""
        with self._reaching(", ".join(paths[:3])):
            self._place.delete(*map(VersionPath.parse, paths))

    def list(self, below: str = "") -> Iterator[StoredFolder]:
        """Every version, whole or not; or those in the folder of a user, e.g. "m1/123"."""
        if below and not is_in_layout(below):
            raise PermanentError("user-model-corrupt", f"{below!r} is no folder of models.")
        with self._reaching():
            yield from (entry for entry in self._place.entries(below) if isinstance(entry, StoredFolder))

    def strangers(self) -> Iterator[str]:
        """The paths of everything below the root that is not of ours: other names, links. Nothing ever touches them."""
        with self._reaching():
            yield from (entry.path for entry in self._place.entries() if isinstance(entry, Stranger))

    def unfinished(self, before: datetime) -> Iterator[str]:
        """What writers that were killed before then left beside the versions."""
        with self._reaching():
            yield from self._place.unfinished(before)

    def discard(self, unfinished: str) -> None:
        """Remove one of those."""
        with self._reaching():
            self._place.discard(unfinished)

    def _read_checked(self, place: VersionPath, name: str, listed: ListedFile) -> bytes:
        content = self._read(place, name)
        if not listed.matches(content):
            raise _corrupt(str(place), name)
        return content

    def _read(self, place: VersionPath, name: str) -> bytes:
        with self._reaching(str(place)):
            try:
                return self._place.read(place, name)
            except FileNotFoundError as error:
                if _is_without_bucket(error):
                    raise
                raise PermanentError(
                    "user-model-corrupt", f"{place} lacks {name} in {self.name}. Train the model again."
                ) from None

    @contextmanager
    def _reaching(self, path: str = "") -> Iterator[None]:
        """Gives what libraries raise the type that says what to do about it."""
        try:
            yield
        except _failures() as error:
            at = f" at {path}" if path else ""
            raise RetryableError(
                "model-storage-unavailable",
                f"The storage of users' models, {self.name}, cannot be used{at} ({_reason(error)}).",
            ) from error


def _place(url: str, options: Mapping[str, str]) -> Place:
    if "::" in url:
        raise ConfigurationError(
            "invalid-settings", "MUSICSPACE_PERSONAL__STORAGE_URL must be one folder or one URL, without `::`."
        )
    if url.startswith("file://"):
        return LocalPlace(Path(unquote(urlsplit(url).path)))
    return RemotePlace(url, options) if "://" in url else LocalPlace(Path(url).expanduser())


def _corrupt(path: str, what: str) -> PermanentError:
    return PermanentError(
        "user-model-corrupt", f"{path}: {what} is not what was recorded. Train the model again, or roll it back."
    )


def _failures() -> tuple[type[Exception], ...]:
    loaded = ((sys.modules[module], names) for module, names in _CLIENT_ERRORS.items() if module in sys.modules)
    return (OSError, *(getattr(module, name) for module, names in loaded for name in names))


def _s3_code(error: BaseException | None) -> str | None:
    """The code S3 gave, from an error or the one behind it."""
    if error is None:
        return None
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code")) if isinstance(response, dict) else _s3_code(error.__cause__)


def _is_without_bucket(error: FileNotFoundError) -> bool:
    """Whether not the file but all of the storage is missing, for which S3's client has the same exception."""
    return _s3_code(error) == "NoSuchBucket"


def _reason(error: Exception) -> str:
    """What went wrong, from names alone: texts of libraries may hold URLs with keys."""
    number = error.errno if isinstance(error, OSError) else None
    return _s3_code(error) or errorcode.get(number or 0) or type(error).__name__
