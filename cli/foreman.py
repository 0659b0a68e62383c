"""honcho's process manager, made safe to interrupt at any moment."""

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Iterable
from typing import Any

import honcho.manager
import psutil
from honcho.printer import Printer
from honcho.process import Process

from cli.processes import ProcessSpec
from cli.respawn import die_with_parent

MARGIN_S = 5.0
SIGNAL_CODES = frozenset({130, 143})


class Relay(Process):  # type: ignore[misc]  # honcho has no types
    """A fork of the manager that reads the lines of one process."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Read until the process ends, or the manager does: without it nobody would ever empty the queue."""
        manager = multiprocessing.parent_process()
        assert manager is not None
        assert manager.pid is not None
        die_with_parent(signal.SIGKILL, manager.pid)
        super().run(events, ignore_signals)


class Foreman(honcho.manager.Manager):  # type: ignore[misc]
    """Starts the processes, prints their lines with a prefix, and stops all of them on SIGINT or SIGTERM.

    Two things differ from honcho: a signal that arrives before every process has told its pid is obeyed instead of
    raising KeyError, and an error in the loop (a closed terminal, for example) leaves no process behind.
    """

    def __init__(self, specs: Iterable[ProcessSpec], grace_s: float) -> None:
        super().__init__(Printer(sys.stdout))
        self._process_ctor = Relay
        self._stop_asked = False
        honcho.manager.KILL_WAIT = grace_s + MARGIN_S
        for spec in specs:
            self.add_process(spec.name, spec.shell_command(grace_s), env=dict(spec.env))

    def run(self) -> bool:
        """Block until every process has ended; True when somebody asked for that."""
        try:
            self.loop()
        except BaseException:
            self._abandon(grace_s=honcho.manager.KILL_WAIT)
            raise
        return self.returncode in SIGNAL_CODES

    def terminate(self) -> None:
        """Stop everything, at once or as soon as all pids are known."""
        self._stop_asked = True
        self._all_started()

    def _all_started(self) -> bool:
        """Whether every pid is known. The loop asks in each round."""
        started = bool(super()._all_started())
        if started and self._stop_asked:
            super().terminate()
        return started

    def _abandon(self, grace_s: float) -> None:
        """Kill the relays: each wrapper then loses its parent, stops its command and ends."""
        entries = [entry["process"] for entry in self._processes.values() if "process" in entry]
        relays = [relay for relay in entries if relay.pid is not None]  # None: not started yet
        wrappers = [child for relay in relays for child in psutil.Process(relay.pid).children()]
        for relay in relays:
            relay.kill()
        _, left = psutil.wait_procs(wrappers, timeout=grace_s)
        for wrapper in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                wrapper.kill()
