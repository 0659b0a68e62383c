"""Data directories for real servers, and other processes that use them."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from embedded_checks import Kept, StartUser, kill_all

from core.settings import Settings

USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from core.settings import Settings
from integrations.embedded import embedded_servers
with embedded_servers(Settings(data_dir=Path(sys.argv[1]), database_url=None, redis_url=None)):
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that the account of the servers can reach; pytest's own is closed to it when root runs."""
    path = Path(tempfile.mkdtemp(prefix="musicspace-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def used_data_dir() -> Iterator[Path]:
    """One data directory for all tests that do not harm it: making one takes most of a second."""
    path = Path(tempfile.mkdtemp(prefix="musicspace-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def settings(used_data_dir: Path) -> Iterator[Settings]:
    """Settings of a data directory that other tests have used; whatever runs on it afterwards is killed."""
    chosen = Settings(data_dir=used_data_dir, database_url=None, redis_url=None)
    yield chosen
    kill_all(chosen)


@pytest.fixture
def kept() -> Kept:
    """Data of this test's own."""
    return Kept(f"kept_{uuid4().hex}")


@pytest.fixture
def new_settings(folder: Path) -> Iterator[Settings]:
    """Settings of a data directory that does not exist; whatever runs on it afterwards is killed."""
    chosen = Settings(data_dir=folder / "data", database_url=None, redis_url=None)
    yield chosen
    kill_all(chosen)


@pytest.fixture
def start_user() -> Iterator[StartUser]:
    """Start a process that uses the servers of a data directory until a line arrives on its stdin."""
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", USE_UNTIL_TOLD, str(data_dir)]
        user = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(user)
        return user

    yield start
    for user in started:
        user.kill()
        user.communicate()
