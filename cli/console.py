"""Terminal output: one console for people, plain JSON for machines, progress on stderr."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

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
