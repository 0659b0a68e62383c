"""Terminal output: one console for people, plain JSON for machines, progress on stderr."""

import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

# Where nobody says how wide the output is (a pipe, a log), tables get room enough.
_WIDTH = None if sys.stdout.isatty() else 120

# Titles, names and paths may hold brackets and colons; they are text, never styles or emoji.
out = Console(width=_WIDTH, markup=False, emoji=False)
err = Console(stderr=True, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Write one JSON document to stdout, unstyled and unwrapped."""
    out.file.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    out.file.flush()


def progress_bar(*, quiet: bool = False) -> Progress:
    """A progress display on stderr, so that stdout stays clean for pipes; hidden where `quiet` or not a terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=err,
        disable=quiet or not err.is_terminal,
    )


def steps_on(progress: Progress) -> Callable[[str, int, int | None], None]:
    """Shows one step at a time, by its name, steps done and all steps; one that begins replaces the last one."""
    shown: dict[str, TaskID] = {}

    def on_step(step: str, done: int, total: int | None) -> None:
        if step not in shown:
            for task in shown.values():
                progress.remove_task(task)
            shown.clear()
            shown[step] = progress.add_task(step, total=None, note="")
        progress.update(shown[step], completed=done, total=total)

    return on_step


def logs_to_stderr() -> None:
    """Let events of services that run in a command go to stderr: stdout is for results, which may be JSON."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
