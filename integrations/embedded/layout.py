"""Where things lie in the data directory, and who owns them.

| path               | content                            | owner                      |
|--------------------|------------------------------------|----------------------------|
| `run/`             | lock files                         | the caller                 |
| `log/`             | `postgres.log`, `valkey.log`       | the caller                 |
| `sockets/`         | the Unix sockets                   | the account of the servers |
| `postgres/`        | the database cluster               | the account of the servers |
| `valkey/`          | the append-only file               | the account of the servers |
| `server-binaries/` | copies, only where root needs them | the caller                 |
"""

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from integrations.embedded.account import Account

# Fixed instead of tempfile.gettempdir(): two terminals with different TMPDIR must still meet at the same sockets.
SHORT_HOME = Path("/tmp")
# A socket address holds 107 bytes and a terminator; Postgres has the longest file name.
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432")
# What needs no quoting in a URL, in libpq's comma-separated hosts, or in Postgres' list of directories.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one data directory. Building one touches nothing on disk."""

    root: Path

    @classmethod
    def of(cls, data_dir: Path) -> "Layout":
        """The layout of a data directory, the same for every spelling of its path."""
        return cls(data_dir.expanduser().resolve())

    @property
    def identity(self) -> str:
        """A short name of this data directory, the same for root and for the user it belongs to."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def binaries(self) -> Path:
        return self.root / "server-binaries"

    @property
    def sockets(self) -> Path:
        """`sockets/`, or a short folder in /tmp where that path is too long or needs quoting."""
        path = self.root / "sockets"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_DIR and PLAIN_PATH.fullmatch(str(path)):
            return path
        return SHORT_HOME / f"musicspace-{self.identity}"

    def prepare_locks(self) -> None:
        """Create the data directory and the folder of its locks."""
        create_root(self.root)
        self.run.mkdir(exist_ok=True)

    def prepare(self, account: Account) -> None:
        """Create the folders the servers need, each with its owner.

        Raises
        ------
        ConfigurationError
            The account cannot reach the data directory, or somebody else owns the folder of the sockets.
        """
        blocked = account.blocked_at(self.root)
        if blocked is not None:
            raise ConfigurationError(
                "embedded-failed",
                f"{blocked} is closed to the account {account.name!r} that Postgres and Valkey run as. "
                "Set MUSICSPACE_DATA_DIR to a folder it can reach, such as /var/lib/musicspace.",
            )
        self.log.mkdir(exist_ok=True)
        own_folder(self.sockets, account)
        own_folder(self.valkey, account)


def create_root(path: Path) -> None:
    """Create the data directory; when root does, the account of the servers must be able to pass through it.

    An existing folder keeps its mode unless it is empty: only then is it surely meant for us alone.
    """
    mode = 0o755 if os.geteuid() == 0 else 0o700
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)  # mkdir's own mode is narrowed by the umask
    if not missing and mode == 0o755 and path.stat().st_uid == 0 and not any(path.iterdir()):
        path.chmod(path.stat().st_mode | 0o011)


def own_folder(path: Path, account: Account) -> None:
    """Create a private folder of the account, or check that the existing one is.

    Raises
    ------
    ConfigurationError
        It is a link or not a folder, or belongs to somebody else, who could have prepared it as a trap.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {account.uid, os.geteuid()}:
        raise ConfigurationError(
            "embedded-failed", f"{path} is not a folder of the account {account.name!r}: remove it."
        )
    if found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
