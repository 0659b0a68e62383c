"""Keep one command running: `python -m cli.respawn [--delay S] [--grace S] -- COMMAND ...`.

The process manager of `musicspace up` ends everything when one of its processes ends. This wrapper stands between
the two: it starts its command again when that ends unexpectedly, stops it when told to, and never outlives its
parent, so that not even `kill -9` of the manager leaves anything behind.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0
HEALTHY_AFTER_S = 60.0  # A command that lived this long starts over with the first delay.

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
WATCHED = STOP_SIGNALS | {signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send `number` to this process when its parent ends, or right now if it has ended (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the command is stopped on purpose."""
    parent = os.getppid()
    options = _parse(arguments)
    # Waiting for blocked signals, instead of handling them, leaves no moment in which one could be missed.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    die_with_parent(signal.SIGTERM, parent)
    return keep_running(options.command, options.delay, options.grace)


def keep_running(command: Sequence[str], first_start_delay_s: float, grace_s: float) -> int:
    """Start the command, again and again, until a stop signal arrives. The caller has blocked `WATCHED`."""
    delay_s, wait_s = FIRST_DELAY_S, first_start_delay_s
    while not _stop_asked_within(wait_s):
        started = time.monotonic()
        child = _start(command)
        asked = _wait(child)
        if asked is not None:
            _end(child, asked, grace_s)
            return 0
        _kill_group(child)  # What a killed worker leaves behind must not work beside its successor.
        if time.monotonic() - started >= HEALTHY_AFTER_S:
            delay_s = FIRST_DELAY_S
        _tell(f"ended unexpectedly ({_how(child.returncode)}); starts again in {delay_s:.0f} s")
        wait_s, delay_s = delay_s, min(delay_s * 2, LONGEST_DELAY_S)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cli.respawn", description="Keep one command running.")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the first start")
    parser.add_argument("--grace", type=float, default=15.0, help="seconds to stop before it is killed")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """The command as the leader of a process group of its own, so that its children can be told apart and killed."""
    wrapper = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        die_with_parent(signal.SIGTERM, wrapper)

    return subprocess.Popen(command, process_group=0, preexec_fn=prepare)


def _stop_asked_within(seconds: float) -> bool:
    return signal.sigtimedwait(STOP_SIGNALS, seconds) is not None


def _wait(child: "subprocess.Popen[bytes]") -> signal.Signals | None:
    """The stop signal that came while the command ran; None when the command ended by itself."""
    while child.poll() is None:
        number = signal.Signals(signal.sigwait(WATCHED))
        if number in STOP_SIGNALS:
            return number
    return None


def _end(child: "subprocess.Popen[bytes]", number: signal.Signals, grace_s: float) -> None:
    child.send_signal(number)
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        _tell(f"did not stop within {grace_s:.0f} s and is killed")
    _kill_group(child)
    child.wait()


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _tell(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def _how(returncode: int) -> str:
    return f"exit code {returncode}" if returncode >= 0 else signal.Signals(-returncode).name


if __name__ == "__main__":
    sys.exit(main())
