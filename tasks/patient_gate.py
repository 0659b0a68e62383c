"""A gate for one who has time: a command that asks one call after the other and would rather wait than fail."""

import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import NotNowError, RetryableError
from core.providers import Gate, Usage
from core.telemetry import get_logger
from tasks.backoff import full_jitter

log = get_logger(__name__)

T = TypeVar("T")

_BASE_S, _CAP_S = 1.0, 30.0


class PatientGate:
    """Passes calls on to another gate, waits where that says "not now", and tries failed calls again.

    Parameters
    ----------
    gate
        The gate that counts.
    longest_wait_s
        A longer wait, for instance until the next day, is an error like any other.
    attempts
        Failures of one call before its error is raised.
    """

    def __init__(self, gate: Gate, longest_wait_s: float = 180.0, attempts: int = 5) -> None:
        self._gate = gate
        self._longest_wait_s = longest_wait_s
        self._attempts = attempts

    def through(self, estimate: Usage, send: Callable[[], tuple[T, Usage]]) -> T:
        """As the gate's own, later if need be."""
        failures = 0
        while True:
            try:
                return self._gate.through(estimate, send)
            except NotNowError as error:
                if error.retry_after_s > self._longest_wait_s:
                    raise
                wait_s = error.retry_after_s
            except RetryableError as error:
                failures += 1
                if failures >= self._attempts:
                    raise
                wait_s = error.retry_after_s or full_jitter(failures, _BASE_S, _CAP_S)
                log.warning("provider_call_failed", code=error.code, reason=error.message, retry_in_s=round(wait_s, 1))
            time.sleep(min(wait_s, self._longest_wait_s))
