"""The unprivileged account that the embedded servers run as.

Postgres refuses to run as root. An ordinary user runs the servers as itself; root runs them as the system account
`musicspace`, which is created when missing.
"""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from core.errors import ConfigurationError

ACCOUNT_NAME = "musicspace"
# The second form is BusyBox's, for images without useradd.
CREATE_COMMANDS = (
    (
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
    ),
    ("adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin"),
)


class SpawnOptions(TypedDict, total=False):
    """Arguments of `subprocess.Popen` that change the account of a child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its main group, and what they may reach."""

    uid: int
    gid: int
    name: str

    @property
    def spawn_options(self) -> SpawnOptions:
        """Empty where the calling process already is this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def blocked_at(self, folder: Path) -> Path | None:
        """The topmost folder on the way to, and including, `folder` that the account may not pass through."""
        for step in (*reversed(folder.parents), folder):
            if not self._allowed(step, 0o1):
                return step
        return None

    def can_read(self, file: Path) -> bool:
        """Whether the account can open the file; a program must be executable too."""
        wanted = 0o5 if os.access(file, os.X_OK) else 0o4
        return self.blocked_at(file.parent) is None and self._allowed(file, wanted)

    def _allowed(self, path: Path, wanted: int) -> bool:
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == self.uid:
            mode >>= 6
        elif found.st_gid == self.gid:
            mode >>= 3
        return mode & wanted == wanted


def server_account(cluster: Path) -> Account:
    """The account for the servers of a data directory.

    Parameters
    ----------
    cluster
        Folder of the database cluster. Where it exists already, its owner stays the account: system accounts get
        other numbers when a container is rebuilt around the same volume.

    Raises
    ------
    ConfigurationError
        The cluster belongs to another user, or root finds no account to run the servers as.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise ConfigurationError(
                "embedded-failed",
                f"{cluster} belongs to another user (uid {owner}). Run as that user, or set MUSICSPACE_DATA_DIR.",
            )
        return Account(os.geteuid(), os.getegid(), _user_name(os.geteuid()))
    if owner:
        return Account(owner, cluster.stat().st_gid, _user_name(owner))
    return _find(ACCOUNT_NAME) or _create() or _find("nobody") or _no_account()


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # Containers may run under a number that has no name.
        return f"uid {uid}"


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid, name)


def _create() -> Account | None:
    """Create the account with whatever tool there is; look it up afterwards, since another process may be faster."""
    for command in CREATE_COMMANDS:
        if shutil.which(command[0]):
            subprocess.run([*command, ACCOUNT_NAME], check=False, capture_output=True, stdin=subprocess.DEVNULL)
            break
    return _find(ACCOUNT_NAME)


def _no_account() -> Account:
    raise ConfigurationError(
        "embedded-failed",
        "Postgres refuses to run as root, and the system account 'musicspace' could not be created. "
        "Create it with `useradd --system musicspace`, run as an ordinary user, or set MUSICSPACE_DATABASE_URL "
        "and MUSICSPACE_REDIS_URL.",
    )
