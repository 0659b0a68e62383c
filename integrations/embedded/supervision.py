"""Starting, recognizing and stopping server processes that may outlive, or predate, this one."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from core.errors import ConfigurationError
from integrations.embedded.account import Account

POLL_SECONDS = 0.01
LOG_LIMIT_BYTES = 20_000_000
# Locale and search path only: a server must not depend on the terminal that happened to start it.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}


def spawn(argv: Sequence[str], account: Account, log: Path) -> "subprocess.Popen[bytes]":
    """Start a program as `account` in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Its output is appended to `log`. The child is reaped whenever it ends, also when another process stops it.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            umask=0o077,
            **account.spawn_options,
        )
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return process


def rotate(log: Path) -> None:
    """Set a log aside when it has grown large, so that the folder stays bounded."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def command_line(pid: int) -> list[str]:
    """The arguments of a living process; empty for one that is gone or a zombie.

    Nothing but the command line is asked for: in a container even root may not look at other users' processes.
    """
    try:
        return psutil.Process(pid).cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def read_pid(file: Path) -> int | None:
    """The number on the first line of a pid file, if there is one."""
    try:
        first = file.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdecimal() else None


def becomes_ready(alive: Callable[[], bool], ready: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until a server answers; False when it died first, or gave no answer in time."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not alive() or time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop(pid: int, alive: Callable[[], bool], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, and go on to the next only when the process outlived the seconds given with it."""
    for number, patience_s in steps:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if _await_end(alive, patience_s):
            return


def failed(name: str, log: Path) -> ConfigurationError:
    """The error of a server that did not start, with what its log says."""
    return ConfigurationError("embedded-failed", f"{name.capitalize()} did not start. {log} says: {_cause(log)}")


def _cause(log: Path) -> str:
    """The last line of a log that tells of an error, else the last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 10_000))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except FileNotFoundError:
        lines = []
    telling = [
        line for line in lines[-30:] if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:", "rror "))
    ]
    return (telling or lines or ["nothing"])[-1].strip()


def _await_end(alive: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
