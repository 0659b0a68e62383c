"""A storage that fsspec reaches by a URL, such as S3. It has no rename: the manifest, written last, makes a version."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError, PermanentError
from integrations.model_storage.layout import MANIFEST, StoredFolder, Stranger, VersionPath, is_file_name

# Requests on their way at the same time.
_REQUESTS = 50
# A server that is gone should be noticed in seconds: whoever asked tries again by rules of its own.
_S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 1}}


class RemotePlace:
    """What lies below a URL."""

    at_once = 200

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

    def delete(self, *paths: VersionPath) -> None:
        """Remove files of ours, the manifests first."""
        system, root = self._system()
        system.invalidate_cache()
        folders = [f"{root}/{path}" for path in paths]
        own = [
            name
            for folder, found in zip(folders, _for_each(system, "find", folders), strict=True)
            for name in found
            if is_file_name(name.removeprefix(f"{folder}/"))
        ]
        manifests = [name for name in own if name.endswith(f"/{MANIFEST}")]
        for names in (manifests, sorted(set(own) - set(manifests))):
            # Not `rm` of all: that of S3's client keeps it to itself when files could not be removed.
            _for_each(system, "rm_file", names, missing_ok=True)

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


def _for_each(system: Any, method: str, names: Sequence[str], *, missing_ok: bool = False) -> list[Any]:
    """What a method gives for each name, many at a time where the file system can; raises the first error.

    With `missing_ok`, what is not there is none: two clean-ups may be at it.
    """
    forgiven = (FileNotFoundError,) if missing_ok else ()
    if not system.async_impl:
        results = []
        for name in names:
            with suppress(*forgiven):
                results.append(getattr(system, method)(name))
        return results
    from fsspec.asyn import sync

    async def answers(some: Sequence[str]) -> list[Any]:
        return await asyncio.gather(*map(getattr(system, f"_{method}"), some), return_exceptions=True)

    results = []
    for start in range(0, len(names), _REQUESTS):
        results += sync(system.loop, answers, names[start : start + _REQUESTS])
        for result in results[start:]:
            if isinstance(result, BaseException) and not isinstance(result, forgiven):
                raise result
    return results


def _described(folder: str, inside: list[tuple[str, dict[str, Any]]]) -> Iterator[StoredFolder | Stranger]:
    try:
        path = VersionPath.parse(folder)
    except PermanentError:
        path = None
    own = {}
    for file, info in inside:
        name = file.rpartition("/")[2]
        if path is not None and is_file_name(name):
            own[name] = info
        else:
            yield Stranger(file)
    if path is not None and own:
        newest = max(map(_modified_at, own.values()))
        yield StoredFolder.of(path, {name: info["size"] for name, info in own.items()}, newest)


def _modified_at(info: dict[str, Any]) -> datetime:
    """When a file was written; where the storage does not say, now, so that it never counts as left behind."""
    at = info.get("LastModified") or info.get("mtime") or info.get("created")
    if isinstance(at, datetime):
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime.now(UTC)
