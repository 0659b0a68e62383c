"""Calls through a gate, as tests make them."""

from collections.abc import Callable
from typing import Any

from core.errors import RetryableError
from core.provider_limits import ProviderLimits
from core.providers import Provider, Usage
from core.settings import Settings
from tasks.provider_gate import ProviderGate

#: What one call may take at most, and what it takes.
ESTIMATE = Usage(calls=1, input_tokens=1_000, output_tokens=2_000, searches=1, cost_usd=0.05)
TAKEN = Usage(calls=1, input_tokens=400, output_tokens=600, searches=1, cost_usd=0.04)


def limits(**changes: Any) -> ProviderLimits:
    """Limits that stop nothing, but for the given ones."""
    return ProviderLimits(**({"calls_per_minute": 10_000} | changes))


def gate_of(settings: Settings, provider: Provider = Provider.GEMINI, **changes: Any) -> ProviderGate:
    """A gate with those limits."""
    return ProviderGate(settings, provider, limits(**changes))


def succeed() -> tuple[str, Usage]:
    """A call that is answered."""
    return "answer", TAKEN


def fail(error: BaseException) -> Callable[[], tuple[str, Usage]]:
    """A call that ends with this error."""

    def send() -> tuple[str, Usage]:
        raise error

    return send


def time_out() -> RetryableError:
    """A provider that does not answer in time."""
    return RetryableError("provider-unavailable", "Gemini did not answer within 90 s.")
