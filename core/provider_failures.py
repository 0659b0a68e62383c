"""Failures of calls, as far as it matters who pays for them."""

from core.errors import RetryableError


class UnbilledError(RetryableError):
    """The provider surely did no work for the call: it was not reached, or answered 5xx.

    A time-out or a broken answer is none of these: the work may have been done, and billed.
    """


def surely_unbilled(error: RetryableError) -> bool:
    """Whether a failed call can be taken off the accounts."""
    return isinstance(error, UnbilledError) or error.code == "provider-rate-limited"
