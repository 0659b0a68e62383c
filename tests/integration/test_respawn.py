"""The wrapper around each process of `musicspace up`, as a real process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.timeout(60)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the wrapper around a command."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "cli.respawn", *options, "--", *command]
        wrapper = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        started.append(wrapper)
        return wrapper

    yield run
    for wrapper in started:
        wrapper.kill()
        wrapper.communicate()


def lines(wrapper: "subprocess.Popen[str]", n: int) -> list[str]:
    assert wrapper.stdout is not None
    return [wrapper.stdout.readline().rstrip("\n") for _ in range(n)]


def ended(pid: int, timeout_s: float = 5.0) -> bool:
    """Whether the process ends in time; a zombie has ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_command_that_ends_is_started_again_after_growing_pauses(start: Start) -> None:
    wrapper = start("sh", "-c", "echo run; exit 3")
    assert lines(wrapper, 4) == [
        "run",
        "ended unexpectedly (exit code 3); starts again in 1 s",
        "run",
        "ended unexpectedly (exit code 3); starts again in 2 s",
    ]


def test_a_killed_command_is_started_again(start: Start) -> None:
    wrapper = start("sh", "-c", "echo $$; exec sleep 60")
    [pid] = lines(wrapper, 1)
    os.kill(int(pid), signal.SIGKILL)
    told, successor = lines(wrapper, 2)
    assert told == "ended unexpectedly (SIGKILL); starts again in 1 s"
    assert successor != pid


def test_what_a_killed_command_leaves_behind_is_killed(start: Start) -> None:
    wrapper = start("sh", "-c", "sleep 60 & echo $! $$; wait")
    child, command = map(int, lines(wrapper, 1)[0].split())
    os.kill(command, signal.SIGKILL)
    assert ended(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_reaches_the_command(start: Start, number: signal.Signals) -> None:
    wrapper = start("sh", "-c", "trap 'echo told; exit 0' TERM INT; echo ready; while :; do sleep 0.05; done")
    assert lines(wrapper, 1) == ["ready"]
    wrapper.send_signal(number)
    assert lines(wrapper, 1) == ["told"]
    assert wrapper.wait(5) == 0


def test_a_deaf_command_is_killed_with_its_children(start: Start) -> None:
    wrapper = start(
        "sh", "-c", "trap '' TERM; sleep 60 & echo $!; while :; do sleep 0.05; done", options=("--grace=0.3",)
    )
    child = int(lines(wrapper, 1)[0])
    wrapper.terminate()
    assert wrapper.wait(5) == 0
    assert ended(child)


def test_a_stop_signal_ends_the_pause_between_two_starts(start: Start) -> None:
    wrapper = start("sh", "-c", "exit 1")
    lines(wrapper, 1)
    wrapper.terminate()
    assert wrapper.wait(0.9) == 0


def test_the_first_start_can_be_delayed(start: Start, tmp_path: Path) -> None:
    wrapper = start("touch", str(tmp_path / "started"), options=("--delay=30",))
    time.sleep(0.3)
    wrapper.terminate()
    assert wrapper.wait(5) == 0
    assert not (tmp_path / "started").exists()


def test_killing_the_wrapper_stops_the_command(start: Start) -> None:
    wrapper = start("sh", "-c", "echo $$; exec sleep 60")
    command = int(lines(wrapper, 1)[0])
    wrapper.kill()
    assert ended(command)


def test_killing_the_parent_of_the_wrapper_stops_both() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'cli.respawn', '--', *sys.argv[1:]])"
    argv = [sys.executable, "-c", code, "sh", "-c", "echo $PPID $$; exec sleep 60"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        wrapper, command = map(int, lines(parent, 1)[0].split())
        parent.kill()
        assert ended(command)
        assert ended(wrapper)
