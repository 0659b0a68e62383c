"""How long things take, and a table of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

#: Runs that only warm up.
UNCOUNTED = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: how long each run took."""

    name: str
    seconds: Sequence[float]

    def percentile_ms(self, percent: float) -> float:
        """That many percent of the runs were no slower, in milliseconds."""
        return float(np.percentile(self.seconds, percent)) * 1000


def timed(name: str, actions: Sequence[Callable[[], object]]) -> Measured:
    """Each action once, one after the other."""
    seconds = []
    for action in actions:
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return Measured(name, seconds)


def warm(name: str, actions: Sequence[Callable[[], object]]) -> Measured:
    """The same, after the first `UNCOUNTED` have been run for nothing."""
    for action in actions[:UNCOUNTED]:
        action()
    return timed(name, actions)


def show(results: list[Measured]) -> None:
    """A table for people."""
    table = Table("measurement", box=SIMPLE_HEAD)
    for header in ("runs", "p50 ms", "p95 ms"):
        table.add_column(header, justify="right")
    for result in results:
        times = (f"{result.percentile_ms(percent):,.1f}" for percent in (50, 95))
        table.add_row(result.name, f"{len(result.seconds):,}", *times)
    Console(width=120).print(table)
