"""A folder of this machine, or one that several machines share.

A version appears whole by one rename. Folders are opened one inside the other and no symbolic link is followed, so
nothing outside the root can be read, written or removed, even while somebody swaps folders for links.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import EEXIST, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY
from pathlib import Path

from core.durable_files import sync
from integrations.model_storage.layout import MANIFEST, StoredFolder, Stranger, VersionPath, is_file_name, is_in_layout

_STAGING = ".staging-"
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# A clean-up may remove the folder of a user between its creation and the rename into it.
_ATTEMPTS = 10


class LocalPlace:
    """The folder `root`; it is made by the first write."""

    at_once = 1

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._root)

    def write(self, path: VersionPath, files: Mapping[str, bytes]) -> None:
        """Store files so that they survive a power cut all together, or not at all."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(ENOTDIR, "It is no folder", str(self._root)) from None
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self._root))
        try:
            # mkdtemp lets nobody else in; other workers may run as other users.
            staging.chmod(0o755)
            for name, content in files.items():
                (staging / name).write_bytes(content)
                sync(staging / name)
            sync(staging)
            self._publish(staging.name, path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def read(self, path: VersionPath, file: str) -> bytes:
        """A file; a link in its place is none."""
        self._require_root()
        with self._opened(*path.folder, path.version) as folder:
            try:
                descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                if error.errno == ELOOP:
                    raise FileNotFoundError(ENOENT, "It is no file", file) from None
                raise
            with os.fdopen(descriptor, "rb") as stream:
                return stream.read()

    def has(self, path: VersionPath, file: str) -> bool:
        """Whether a file is there."""
        self._require_root()
        try:
            with self._opened(*path.folder, path.version) as folder:
                os.stat(file, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def delete(self, *paths: VersionPath) -> None:
        """Remove files of ours, the manifest first, then the folder and that of the user if nothing else is in them."""
        for path in paths:
            with suppress(FileNotFoundError), self._opened(*path.folder, path.version) as folder:
                for name in sorted(_own_files(folder), key=lambda name: (name != MANIFEST, name)):
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=folder)
            self._remove_if_empty(path.version, *path.folder)
            self._remove_if_empty(path.folder[1], path.folder[0])

    def entries(self, below: str = "") -> Iterator[StoredFolder | Stranger]:
        """All there is below the root but what is being written, or what is in the folder of a user."""
        kind_name, _, user_name = below.partition("/")
        for kind in self._folders(self._root, only=kind_name):
            for user in [kind] if isinstance(kind, Stranger) else self._folders(Path(kind.path), only=user_name):
                for version in [user] if isinstance(user, Stranger) else self._folders(Path(user.path)):
                    yield from [version] if isinstance(version, Stranger) else self._described(version)

    def unfinished(self, before: datetime) -> Iterator[str]:
        """Folders in which a version was being written."""
        for entry in _inside(self._root):
            if _is_staging(entry):
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                        yield entry.name

    def discard(self, unfinished: str) -> None:
        """Remove such a folder."""
        with suppress(FileNotFoundError), self._opened() as root:
            shutil.rmtree(unfinished, dir_fd=root)

    def _publish(self, staging: str, path: VersionPath) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._make(*path.folder)
                with self._opened() as root, self._opened(*path.folder) as folder:
                    os.rename(staging, path.version, src_dir_fd=root, dst_dir_fd=folder)
                    os.fsync(folder)
                return
            except FileNotFoundError:
                if attempt == _ATTEMPTS:
                    raise
            except OSError as error:
                if error.errno in {EEXIST, ENOTEMPTY}:
                    raise FileExistsError(str(path)) from None
                raise

    def _make(self, *names: str) -> None:
        for depth, name in enumerate(names):
            with self._opened(*names[:depth]) as parent, suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=parent)
                os.fsync(parent)

    @contextmanager
    def _opened(self, *names: str) -> Iterator[int]:
        """A descriptor of a folder below the root. Raises `FileNotFoundError` where it, or one above it, is a link."""
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in names:
                try:
                    inner = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
                except OSError as error:
                    if isinstance(error, NotADirectoryError) or error.errno == ELOOP:
                        raise FileNotFoundError(ENOENT, "It is no folder", name) from None
                    raise
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _remove_if_empty(self, name: str, *parents: str) -> None:
        try:
            with self._opened(*parents) as parent:
                os.rmdir(name, dir_fd=parent)
        except OSError as error:
            # Gone, a link, or not empty: in each case nothing of ours is left to remove.
            if error.errno not in {ENOENT, ENOTDIR, EEXIST, ENOTEMPTY}:
                raise

    def _require_root(self) -> None:
        # A drive that is not mounted has lost no model.
        if not self._root.is_dir():
            raise ConnectionError(f"{self._root} is no folder")

    def _folders(self, folder: Path, only: str = "") -> "Iterator[os.DirEntry[str] | Stranger]":
        """The folders in a folder, or one of them, as far as the layout knows them; all else is a stranger."""
        for entry in _inside(folder):
            if (only and entry.name != only) or _is_staging(entry):
                continue
            fits = entry.is_dir(follow_symlinks=False) and is_in_layout(self._relative(entry))
            yield entry if fits else Stranger(self._relative(entry))

    def _described(self, entry: "os.DirEntry[str]") -> Iterator[StoredFolder | Stranger]:
        """The folder of a version as far as it is of ours, and what else is in it."""
        path = VersionPath.parse(self._relative(entry))
        # The date of the folder is that of a deletion that was cut short, too. Versions appear with all their files, so
        # one without any is never too young.
        newest, sizes, strangers = 0.0, dict[str, int](), list[Stranger]()
        for file in _inside(Path(entry.path)):
            if not (file.is_file(follow_symlinks=False) and is_file_name(file.name)):
                strangers.append(Stranger(self._relative(file)))
                continue
            with suppress(FileNotFoundError):
                status = file.stat(follow_symlinks=False)
                newest = max(newest, status.st_mtime)
                sizes[file.name] = status.st_size
        yield from strangers
        if sizes or not strangers:
            yield StoredFolder.of(path, sizes, datetime.fromtimestamp(newest, UTC))

    def _relative(self, entry: "os.DirEntry[str]") -> str:
        return Path(entry.path).relative_to(self._root).as_posix()


def _inside(folder: Path) -> "list[os.DirEntry[str]]":
    """What is in a folder, by name; nothing where it has gone."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _is_staging(entry: "os.DirEntry[str]") -> bool:
    return entry.name.startswith(_STAGING) and entry.is_dir(follow_symlinks=False)


def _own_files(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_file(follow_symlinks=False) and is_file_name(entry.name)]
