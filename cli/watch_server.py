"""Watch over one embedded server: `python -m cli.watch_server postgres|valkey`. `musicspace up` runs one of each.

It prints what the server logs, starts the server again when it dies, and counts as a user of the servers: when the
manager is killed, its watchers are the last ones out and stop them.
"""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from core.errors import MusicSpaceError
from core.settings import get_settings
from integrations.embedded import EmbeddedServers

LOG_SECONDS = 0.2
CHECK_SECONDS = 1.0
LINGER_SECONDS = 0.5  # A manager that was killed still counts as a user while the kernel takes it apart.


def main(name: str) -> int:
    """Watch until SIGTERM or SIGINT; returns 1 where the servers cannot be started."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        watch(name, EmbeddedServers(get_settings()))
    except MusicSpaceError as error:
        _tell_error(error)
        return 1


def watch(name: str, servers: EmbeddedServers) -> NoReturn:
    """Print the log of the server and restart it, until an exception ends this."""
    [log] = [status.log for status in servers.status() if status.name == name]
    lines = new_lines(log)
    try:
        _tell_restarted(servers.join())
        _tell(f"watching {log}")
        while True:
            _print_for(CHECK_SECONDS, lines)
            _restart_dead(servers)
    finally:
        time.sleep(LINGER_SECONDS)
        servers.leave()


def new_lines(log: Path) -> Iterator[str | None]:
    """Lines appended to a log from now on; None whenever there is no more yet. Goes on with a log that was rotated."""
    position = _size(log)
    rest = b""
    while True:
        size = _size(log)
        if size < position:
            position, rest = 0, b""
        if size > position:
            with log.open("rb") as file:
                file.seek(position)
                content = file.read()
            position += len(content)
            *complete, rest = (rest + content).split(b"\n")
            yield from (line.decode(errors="replace") for line in complete)
        yield None


def _print_for(seconds: float, lines: Iterator[str | None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while (line := next(lines)) is not None:
            _tell(line)
        time.sleep(LOG_SECONDS)


def _restart_dead(servers: EmbeddedServers) -> None:
    """A failure is told and tried again: a full disk, say, may have room a minute later."""
    try:
        _tell_restarted(servers.ensure_running())
    except MusicSpaceError as error:
        _tell_error(error)


def _tell_restarted(names: Sequence[str]) -> None:
    for name in names:
        _tell(f"{name} had stopped and was started again")


def _tell_error(error: MusicSpaceError) -> None:
    _tell(f"Error [{error.code}]: {error.message}")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)  # Leaving is under way, and must be finished.
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
