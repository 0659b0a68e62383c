"""What every call of a provider passes: circuit breaker, limits per minute, the day's accounts. See ADR 0008.

It lives among the tasks because it commits: what a call may take is on record before the call is made.
"""

from collections.abc import Callable
from typing import TypeVar

from core.errors import ConfigurationError, MusicSpaceError, NotNowError, PermanentError, RetryableError
from core.provider_failures import surely_unbilled
from core.provider_limits import ProviderLimits, limits_of
from core.providers import Provider, Usage
from core.settings import Settings
from integrations.rate_limits import WINDOW_S
from tasks.provider_accounts import NOTHING, ProviderAccounts, Reservation
from tasks.provider_admission import Admission, ProviderAdmission

T = TypeVar("T")

# Answers of a provider that is at work, and refuses this request.
_REFUSALS = frozenset({"provider-refused", "provider-key-refused"})


class ProviderGate:
    """The `core.providers.Gate` of one provider. Safe to use from several threads.

    Parameters
    ----------
    limits
        Those of the settings unless given.
    window_s
        Length of the minute of the limits.
    """

    def __init__(
        self,
        settings: Settings,
        provider: Provider,
        limits: ProviderLimits | None = None,
        window_s: float = WINDOW_S,
    ) -> None:
        self._provider = provider
        self._limits = limits or limits_of(settings, provider)
        self._admission = ProviderAdmission(settings, provider, self._limits, window_s)
        self._accounts = ProviderAccounts(settings, provider, self._limits)

    def through(self, estimate: Usage, send: Callable[[], tuple[T, Usage]]) -> T:
        """Make one call, or raise without making it.

        Raises
        ------
        NotNowError
            The call was not made: a limit, the budget, an open circuit breaker, or nobody who could count.
        RetryableError
            `database-unavailable`: the call was not made. Else what `send` raised.
        ConfigurationError
            `provider-disabled`; `invalid-settings`: a single call is more than a limit allows. Not made either.
        """
        if self._limits.why_disabled is not None:
            raise ConfigurationError(
                "provider-disabled", f"{self._provider} is not asked: {self._limits.why_disabled}."
            )
        # The wait for a slot comes first, so that those who only wait reserve no money.
        admission = self._admission.enter(estimate)
        try:
            reservation = self._accounts.reserve(estimate)
        except BaseException:
            admission.cancel()
            raise
        try:
            outcome, taken = send()
        except BaseException as error:
            # Also where the process is told to stop: whatever is known of the call is written down.
            self._record(error, admission, reservation)
            raise
        admission.answered(taken)
        self._accounts.settle(reservation, taken)
        return outcome

    def _record(self, error: BaseException, admission: Admission, reservation: Reservation) -> None:
        _tell(error, admission)
        taken = NOTHING if _took_nothing(error) else reservation.amount
        self._accounts.settle(reservation, taken, failed=True)


def _tell(error: BaseException, admission: Admission) -> None:
    """Limits and breaker learn what a failed call says about the provider."""
    if isinstance(error, MusicSpaceError) and error.code in _REFUSALS:
        admission.answered(NOTHING)
    elif isinstance(error, NotNowError) or not isinstance(error, RetryableError):
        admission.left_open()
    elif error.code == "provider-rate-limited":
        admission.refused(error.retry_after_s)
    else:
        admission.failed(error.retry_after_s)


def _took_nothing(error: BaseException) -> bool:
    """Whether the call surely cost nothing. A time-out or an unexpected error may have been billed."""
    if isinstance(error, RetryableError):
        return isinstance(error, NotNowError) or surely_unbilled(error)
    return isinstance(error, PermanentError | ConfigurationError)
