"""What both embedded servers have in common: find the running one, start it once, stop it."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from integrations.embedded.account import Account
from integrations.embedded.binaries import Binaries
from integrations.embedded.supervision import becomes_ready, command_line, failed, read_pid, rotate, spawn, stop


class EmbeddedServer(ABC):
    """A server of one data directory. Call `start` and `stop` only under the lock on starting and stopping."""

    name: ClassVar[str]
    start_timeout_s: ClassVar[float]
    stop_steps: ClassVar[Sequence[tuple[signal.Signals, float]]]  #: Signals, and the seconds each is given.

    def __init__(self, url: str, socket: Path, log: Path, pid_file: Path) -> None:
        self.url = url
        self.socket = socket
        self.log = log
        self._pid_file = pid_file

    def running_pid(self) -> int | None:
        """The process of this data directory; never an unrelated one that got its number."""
        pid = read_pid(self._pid_file)
        return pid if pid is not None and self._runs_as(pid) else None

    def start(self, account: Account, binaries: Binaries) -> bool:
        """Make it answer; False when it already did.

        Raises
        ------
        ConfigurationError
            It did not start; the message names its log.
        """
        if self._answers() or self._finishes_starting():
            return False
        self.stop()  # One that never answers, or whose socket was deleted, is of no use to anybody.
        rotate(self.log)
        self._prepare(account, binaries)
        process = spawn(self._command(binaries), account, self.log)
        if not becomes_ready(lambda: process.poll() is None, self._answers, self.start_timeout_s):
            self.stop()
            raise failed(self.name, self.log)
        return True

    def stop(self) -> None:
        """Shut down and wait until it is gone; nothing to do when it does not run."""
        pid = self.running_pid()
        if pid is not None:
            stop(pid, lambda: self._runs_as(pid), self.stop_steps)

    def _finishes_starting(self) -> bool:
        """Wait for one that somebody else started, unless its socket is gone."""
        pid = self.running_pid()
        if pid is None or not self.socket.exists():
            return False
        return becomes_ready(lambda: self._runs_as(pid), self._answers, self.start_timeout_s)

    def _runs_as(self, pid: int) -> bool:
        return self._recognizes(command_line(pid))

    @abstractmethod
    def _recognizes(self, arguments: list[str]) -> bool:
        """Whether a command line is this server's, and not that of another data directory."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it can be used right now."""

    @abstractmethod
    def _prepare(self, account: Account, binaries: Binaries) -> None:
        """Get its files ready; it does not run."""

    @abstractmethod
    def _command(self, binaries: Binaries) -> list[str]:
        """The command that runs it in the foreground."""
