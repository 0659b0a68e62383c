"""What tells whether a file is the one that was analyzed before."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from core.errors import PermanentError

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileState:
    """What the file system says of a file without reading it."""

    size_bytes: int
    mtime_ns: int


def fingerprint(path: Path) -> FileState:
    """Size and time of change of a file; a file whose state is the same was not written since.

    Raises
    ------
    PermanentError
        `file-not-found`: there is no such file, or it may not be looked at.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise PermanentError("file-not-found", f"{path}: {error}") from error
    return FileState(status.st_size, status.st_mtime_ns)


def content_hash(path: Path) -> str:
    """BLAKE2b of the whole content in 40 hexadecimal digits: equal for a file that was moved, renamed or touched.

    Raises
    ------
    PermanentError
        `file-not-found`: there is no such file, or it cannot be read.
    """
    digest = blake2b(digest_size=20)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except (OSError, ValueError) as error:
        raise PermanentError("file-not-found", f"{path}: {error}") from error
    return digest.hexdigest()
