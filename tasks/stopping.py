"""Tell work that runs in the worker's main process that the worker is being stopped."""

import threading
import time
from typing import Any

_asked = threading.Event()
_asked_at = [0.0]


def ask_to_stop(**_: Any) -> None:
    """The worker shall stop. Safe in a signal handler."""
    _asked_at[0] = time.monotonic()
    _asked.set()


def is_time_up(patience_s: float) -> bool:
    """Whether the worker was asked to stop, at least `patience_s` seconds ago."""
    return _asked.is_set() and time.monotonic() - _asked_at[0] >= patience_s
