"""What lies where: `{kind}/{user or "community"}/{version}/{file}`. Whatever is named otherwise is a stranger."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from core.errors import PermanentError
from core.ids import MAX_ID
from core.user_models import ModelKind

COMMUNITY = "community"
MANIFEST = "files.json"

_USER = re.compile(r"0|[1-9][0-9]{0,18}")
_VERSION = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
# Data only: none of these formats can hold code that runs when it is read.
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(?:json|npz|npy|cbm|txt)")


@dataclass(frozen=True, slots=True)
class VersionPath:
    """The place of a version below the root. It can only be made of names that lead nowhere else."""

    kind: ModelKind
    user_id: int | None  #: `None`: of what all users have in common.
    version: str

    def __post_init__(self) -> None:
        if self.user_id is not None and not 0 <= self.user_id <= MAX_ID:
            raise _refused(f"user {self.user_id}")
        if not _VERSION.fullmatch(self.version):
            raise _refused(f"version {self.version!r}")

    @classmethod
    def parse(cls, path: str) -> Self:
        """The place that a path such as "m1/123/1-5d0c1f7a" names.

        Raises
        ------
        PermanentError
            `user-model-corrupt`: it has not that form; it might lead out of the root.
        """
        kind, user, version = path.split("/") if path.count("/") == 2 else ("", "", "")
        if kind not in set(ModelKind) or not (user == COMMUNITY or _USER.fullmatch(user)):
            raise _refused(f"path {path!r}")
        return cls(ModelKind(kind), None if user == COMMUNITY else int(user), version)

    @property
    def folder(self) -> tuple[str, str]:
        """The names of the folders it lies in, from the root on."""
        return str(self.kind), COMMUNITY if self.user_id is None else str(self.user_id)

    def __str__(self) -> str:
        return "/".join((*self.folder, self.version))


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """The folder of a version as it lies in the storage; the table may know nothing of it."""

    path: str
    kind: ModelKind
    user_id: int | None
    version: str
    files: int
    size_bytes: int  #: Of all its files.
    modified_at: datetime  #: Of its newest file; says nothing about use.
    whole: bool  #: Whether the list of its files is there, which is written last and removed first.

    @classmethod
    def of(cls, path: VersionPath, sizes: Mapping[str, int], modified_at: datetime) -> Self:
        """The folder that holds files of these sizes."""
        total = sum(sizes.values())
        return cls(str(path), path.kind, path.user_id, path.version, len(sizes), total, modified_at, MANIFEST in sizes)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something that is not of ours, and never touched."""

    path: str  #: From the root on.


class Place(Protocol):
    """Moves bytes. Raises what its library raises; `storage` says what that means."""

    #: How many versions are best removed by one call of `delete`.
    at_once: int

    @property
    def name(self) -> str:
        """The place for people, without secrets."""
        ...

    def write(self, path: VersionPath, files: Mapping[str, bytes]) -> None:
        """Store files in the given order. Raises `FileExistsError` where the version is there already."""
        ...

    def read(self, path: VersionPath, file: str) -> bytes:
        """A file. Raises `FileNotFoundError`."""
        ...

    def has(self, path: VersionPath, file: str) -> bool:
        """Whether a file is there."""
        ...

    def delete(self, *paths: VersionPath) -> None:
        """Remove the files of versions, the manifests first, as far as they are there and of ours."""
        ...

    def entries(self, below: str = "") -> Iterator[StoredFolder | Stranger]:
        """All there is, or what is in the folder of a user."""
        ...

    def unfinished(self, before: datetime) -> Iterator[str]:
        """What writers that were killed before then left beside the versions."""
        ...

    def discard(self, unfinished: str) -> None:
        """Remove one of those."""
        ...


def is_in_layout(path: str) -> bool:
    """Whether a path from the root on, of one to three names, is that of a version or of a folder above versions."""
    names = path.split("/")
    try:
        VersionPath.parse("/".join((*names, *("1", "1")[len(names) - 1 :])))
    except PermanentError:
        return False
    return True


def is_file_name(name: str) -> bool:
    """Whether a version may have a file of that name; the manifest is one of them."""
    return _FILE.fullmatch(name) is not None


def _refused(what: str) -> PermanentError:
    return PermanentError("user-model-corrupt", f"The {what} names no model of a user. Train the model again.")
