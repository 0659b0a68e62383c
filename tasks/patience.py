"""Wait a while for a database that is away, where giving up would lose something."""

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from core.errors import RetryableError
from core.settings import Settings


def patience(settings: Settings) -> Retrying:
    """Calls a function again while it raises `RetryableError`, for `MUSICSPACE_LEDGER__OUTAGE_PATIENCE_SECONDS`."""
    return Retrying(
        retry=retry_if_exception(lambda raised: isinstance(raised, RetryableError)),
        stop=stop_after_delay(settings.ledger.outage_patience_seconds),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        reraise=True,
    )
