"""The process manager of `musicspace up`, with dummy commands: every way to stop it leaves no process."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from core.settings import Settings
from integrations.embedded import EmbeddedServers

pytestmark = pytest.mark.timeout(60)

MARK = "TEST_PROCESS_MARK"

# The order of `musicspace up`, around commands of the test's own.
DRIVER = """
import os, sys
from cli.processes import ProcessSpec, server_watchers
from cli.up import run, stop_signals_interrupt
from core.settings import get_settings
from integrations.embedded import embedded_servers
settings = get_settings()
env = dict(os.environ)
specs = [ProcessSpec(f"dummy-{n}", ("sh", "-c", command), env) for n, command in enumerate(sys.argv[1:])]
with stop_signals_interrupt(), embedded_servers(settings):
    run([*server_watchers(settings), *specs], grace_s=2)
"""

TICK = "echo here; while :; do sleep 0.1; done"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def mark() -> str:
    """A value in the environment by which every process of a test can be found."""
    return uuid4().hex


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory; servers that still run on it afterwards are killed."""
    folder = Path(tempfile.mkdtemp(prefix="musicspace-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "data"
    for pid in servers(folder / "data"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(mark: str, data_dir: Path) -> Iterator[Start]:
    """Start the manager around shell commands, without servers unless asked for them."""
    started: list[subprocess.Popen[str]] = []

    def run(*commands: str, embedded: bool = False) -> "subprocess.Popen[str]":
        env = os.environ | {MARK: mark, "MUSICSPACE_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
        env |= {"MUSICSPACE_DATABASE_URL": "postgresql://nowhere/x", "MUSICSPACE_REDIS_URL": "redis://nowhere"}
        if embedded:
            del env["MUSICSPACE_DATABASE_URL"], env["MUSICSPACE_REDIS_URL"]
        argv = [sys.executable, "-c", DRIVER, *commands]
        manager = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(manager)
        return manager

    yield run
    for process in marked(mark):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for manager in started:
        manager.wait()
        assert manager.stdout is not None
        manager.stdout.close()


def marked(mark: str) -> list[psutil.Process]:
    """Living processes with the mark in their environment, but this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def servers(data_dir: Path) -> list[int]:
    settings = Settings(data_dir=data_dir, database_url=None, redis_url=None)
    return [status.pid for status in EmbeddedServers(settings).status() if status.pid is not None]


def all_gone(mark: str, timeout_s: float = 8.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while marked(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def read_until(manager: "subprocess.Popen[str]", text: str, times: int = 1) -> list[str]:
    """Lines up to the n-th one with the text."""
    assert manager.stdout is not None
    lines: list[str] = []
    while sum(text in line for line in lines) < times:
        line = manager.stdout.readline()
        assert line, "".join(lines)
        lines.append(line)
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_with_success(start: Start, mark: str, number: signal.Signals) -> None:
    manager = start(TICK, TICK)
    read_until(manager, "| here", times=2)
    assert len(marked(mark)) >= 7  # the manager; for each command a relay, a wrapper and a shell
    manager.send_signal(number)
    assert manager.wait(15) == 0
    assert marked(mark) == []


@pytest.mark.parametrize("pause_s", [0.3, 0.5, 0.7, 0.9])
def test_a_stop_signal_while_everything_starts(start: Start, mark: str, pause_s: float) -> None:
    manager = start(TICK, TICK, TICK)
    time.sleep(pause_s)
    manager.send_signal(signal.SIGINT)
    manager.wait(15)
    assert all_gone(mark)


def test_a_deaf_process_is_killed_in_the_end(start: Start, mark: str) -> None:
    manager = start("trap '' TERM INT; " + TICK, TICK)
    read_until(manager, "| here", times=2)
    manager.send_signal(signal.SIGINT)
    assert manager.wait(15) == 0
    assert marked(mark) == []


def test_kill_9_of_the_manager_leaves_nothing(start: Start, mark: str) -> None:
    manager = start(TICK, "while :; do echo 'a lot of output that nobody reads any more'; done")
    read_until(manager, "| here")
    manager.kill()
    assert all_gone(mark)


def test_a_closed_terminal_leaves_nothing(start: Start, mark: str) -> None:
    manager = start(TICK, "sleep 0.5; while :; do echo more; sleep 0.1; done")
    read_until(manager, "| here")
    assert manager.stdout is not None
    manager.stdout.close()
    assert manager.wait(15) != 0
    assert all_gone(mark)


def test_a_process_that_ends_is_started_again(start: Start) -> None:
    manager = start("echo here; sleep 0.1; exit 7", TICK)
    lines = read_until(manager, "dummy-0 ", times=4)
    assert sum("dummy-0" in line and "| here" in line for line in lines) == 2
    assert any("ended unexpectedly (exit code 7); starts again in 1 s" in line for line in lines)


def test_servers_that_die_are_restarted_and_end_with_the_manager(start: Start, mark: str, data_dir: Path) -> None:
    manager = start(TICK, embedded=True)
    read_until(manager, "| here")
    before = servers(data_dir)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    read_until(manager, "had stopped and was started again", times=2)
    after = servers(data_dir)
    assert len(after) == 2
    assert not set(after) & set(before)
    manager.send_signal(signal.SIGINT)
    assert manager.wait(15) == 0
    assert marked(mark) == []
    assert servers(data_dir) == []


def test_kill_9_of_the_manager_stops_the_servers_too(start: Start, mark: str, data_dir: Path) -> None:
    manager = start(TICK, embedded=True)
    read_until(manager, "| watching", times=2)  # By then the watchers are users of the servers.
    manager.kill()
    assert all_gone(mark)
    assert servers(data_dir) == []
