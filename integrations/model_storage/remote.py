"""A storage that fsspec reaches by a URL, such as S3. It has no rename: the manifest, written last, makes a version."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError, PermanentError
from integrations.model_storage.layout import MANIFEST, StoredFolder, Stranger, VersionPath, is_file_name

# A server that is gone should be noticed in seconds: whoever asked tries again by rules of its own.
_S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 1}}


class RemotePlace:
    """What lies below a URL."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        self._url = url
        self._options = tuple(sorted(options.items()))

    @property
    def name(self) -> str:
        """The URL without user and password."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def write(self, path: VersionPath, files: Mapping[str, bytes]) -> None:
        """Store files one after the other; a writer that is killed leaves them without a manifest."""
        if self.has(path, MANIFEST):
            raise FileExistsError(str(path))
        system, root = self._system()
        for name, content in files.items():
            system.pipe_file(f"{root}/{path}/{name}", content)

    def read(self, path: VersionPath, file: str) -> bytes:
        """A file."""
        system, root = self._system()
        content: bytes = system.cat_file(f"{root}/{path}/{file}")
        return content

    def has(self, path: VersionPath, file: str) -> bool:
        """Whether a file is there."""
        _, root = self._system()
        return any(info["name"] == f"{root}/{path}/{file}" for info in self._found(str(path)))

    def delete(self, path: VersionPath) -> None:
        """Remove files of ours, the manifest first."""
        system, root = self._system()
        folder = f"{root}/{path}/"
        names = [info["name"].removeprefix(folder) for info in self._found(str(path))]
        for name in sorted(filter(is_file_name, names), key=lambda name: (name != MANIFEST, name)):
            # Two clean-ups may be at it.
            with suppress(FileNotFoundError):
                system.rm_file(folder + name)

    def entries(self, below: str = "") -> Iterator[StoredFolder | Stranger]:
        """All there is below the URL, or in the folder of a user, by one listing."""
        _, root = self._system()
        files = sorted(((info["name"][len(root) + 1 :], info) for info in self._found(below)), key=lambda file: file[0])
        for folder, inside in groupby(files, key=lambda file: file[0].rpartition("/")[0]):
            yield from _described(folder, list(inside))

    def unfinished(self, before: datetime) -> Iterator[str]:
        """Nothing: a version without manifest counts among the entries."""
        return iter(())

    def discard(self, unfinished: str) -> None:
        """There is nothing to remove."""

    def _found(self, below: str = "") -> list[dict[str, Any]]:
        """What fsspec knows of every file below a path, asked anew."""
        system, root = self._system()
        system.invalidate_cache()
        found = system.find(f"{root}/{below}".rstrip("/"), detail=True)
        # Consoles of object stores make empty objects that stand for folders.
        return [info for info in found.values() if info["type"] == "file" and not info["name"].endswith("/")]

    def _system(self) -> tuple[Any, str]:
        try:
            return _file_system(self._url, self._options, os.getpid())
        except ImportError:
            raise ConfigurationError(
                "extra-missing",
                f'The library for {self.name} is not installed. For S3 run `pip install "musicspace[s3]"`.',
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                "invalid-settings",
                f"{self.name} cannot be used ({type(error).__name__}). Check MUSICSPACE_PERSONAL__STORAGE_URL, "
                "e.g. s3://bucket/models, and MUSICSPACE_PERSONAL__STORAGE_OPTIONS.",
            ) from None


@lru_cache(maxsize=4)
def _file_system(url: str, options: tuple[tuple[str, str], ...], pid: int) -> tuple[Any, str]:
    """The file system of this process, since connections do not survive a fork, and the root within it."""
    import fsspec

    scheme = url.partition("://")[0]
    patience = {"config_kwargs": _S3_PATIENCE} if scheme in {"s3", "s3a"} else {}
    system, root = fsspec.core.url_to_fs(url, **patience, **dict(options))
    root = root.rstrip("/")
    if not root:
        raise ValueError("no bucket")
    if connect := getattr(system, "connect", None):
        # S3's client looks at its options only now. Nothing is sent yet.
        connect()
    return system, root


def _described(folder: str, inside: list[tuple[str, dict[str, Any]]]) -> Iterator[StoredFolder | Stranger]:
    names = {file.rpartition("/")[2] for file, _ in inside}
    try:
        path = VersionPath.parse(folder)
    except PermanentError:
        path = None
    if path is None or not all(map(is_file_name, names)):
        yield from (Stranger(file) for file, _ in inside if path is None or not is_file_name(file.rpartition("/")[2]))
        return
    newest = max(_modified_at(info) for _, info in inside)
    yield StoredFolder.of(path, {file.rpartition("/")[2]: info["size"] for file, info in inside}, newest)


def _modified_at(info: dict[str, Any]) -> datetime:
    """When a file was written; where the storage does not say, now, so that it never counts as left behind."""
    at = info.get("LastModified") or info.get("mtime") or info.get("created")
    if isinstance(at, datetime):
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime.now(UTC)
