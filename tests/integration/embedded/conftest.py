"""Data directories for real servers, and other processes that use them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_checks import StartUser, pids

from core.settings import Settings
from integrations.embedded import embedded_servers

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
def stopped_data() -> Iterator[Path]:
    """A data directory whose servers ran once and are stopped: making one takes most of a second."""
    path = Path(tempfile.mkdtemp(prefix="musicspace-test-", dir="/tmp"))
    path.chmod(0o755)
    with embedded_servers(Settings(data_dir=path, database_url=None, redis_url=None)):
        pass
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_settings(folder: Path) -> Iterator[Settings]:
    """Settings of a data directory that does not exist; whatever runs on it afterwards is killed."""
    chosen = Settings(data_dir=folder / "data", database_url=None, redis_url=None)
    yield chosen
    for pid in pids(chosen):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def settings(new_settings: Settings, stopped_data: Path) -> Settings:
    """Settings of a data directory whose servers ran before."""
    subprocess.run(["cp", "-a", stopped_data, new_settings.data_dir], check=True)
    return new_settings


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
