"""Tell the worker's watch that work in its main process goes on."""

import time

_noted_at = [0.0]


def note_progress() -> None:
    """Something was finished just now."""
    _noted_at[0] = time.time()


def last_progress() -> float:
    """When something was finished last, in seconds since the epoch; 0 if nothing was."""
    return _noted_at[0]
