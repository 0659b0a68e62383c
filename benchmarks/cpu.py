"""Who uses the processors while something runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def cpu_seconds(groups: dict[str, str]) -> Iterator[dict[str, float]]:
    """CPU seconds the block costs, by group; `groups` maps a group to a word of its processes' command lines.

    A process that ends within the block counts with what it used until it was last seen, at the start.
    """
    used: dict[str, float] = {}
    before = _by_process(groups)
    yield used
    after = _by_process(groups)
    for group in groups:
        used[group] = sum(
            seconds - before.get((name, pid), 0.0) for (name, pid), seconds in after.items() if name == group
        )


def _by_process(groups: dict[str, str]) -> dict[tuple[str, int], float]:
    seconds = {}
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        command = " ".join(process.info["cmdline"] or ())
        for group, word in groups.items():
            if word in command and process.info["cpu_times"]:
                times = process.info["cpu_times"]
                seconds[group, process.pid] = times.user + times.system
                break
    return seconds
