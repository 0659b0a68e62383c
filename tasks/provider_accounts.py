"""Calls and money of a day, kept in Postgres: reserved before a call, settled after it, each in a transaction."""

import math
import random
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from core.errors import NotNowError, RetryableError
from core.provider_limits import ProviderLimits, setting_of
from core.providers import Provider, Usage
from core.quota_days import quota_day, seconds_to_reset
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories import api_usage

log = get_logger(__name__)

NOTHING = Usage(calls=0)

# Those who wait for midnight do not all come at its stroke.
_SPREAD_S = 60.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for a call, on the day that it began."""

    day: date
    amount: Usage


class ProviderAccounts:
    """The accounts of one provider. No lock is held while a call is under way."""

    def __init__(self, settings: Settings, provider: Provider, limits: ProviderLimits) -> None:
        self._database_url = settings.required_database_url
        self._provider = provider
        self._limits = limits

    def reserve(self, estimate: Usage) -> Reservation:
        """Set aside the most that a call may take.

        Raises
        ------
        NotNowError
            The day's calls or the day's money do not allow it; it says how long the day lasts.
        RetryableError
            `database-unavailable`: nobody can count.
        """
        with open_session(self._database_url) as session:
            moment = api_usage.clock(session)
            day = quota_day(moment)
            fits = api_usage.reserve(
                session,
                self._provider,
                day,
                estimate,
                calls_per_day=self._limits.calls_per_day,
                budget_usd=self._limits.budget_usd_per_day,
            )
            if not fits:
                reset_s = seconds_to_reset(moment)
                raise NotNowError(self._exhausted(session, estimate, reset_s), reset_s + random.uniform(0, _SPREAD_S))
            session.commit()
        return Reservation(day, estimate)

    def settle(self, reservation: Reservation, taken: Usage, *, failed: bool = False) -> None:
        """Replace a reservation by what the call took. If Postgres is away, the reservation stays: the safe side."""
        if not _is_sound(taken):
            log.warning("provider_usage_unsound", provider=self._provider, usage=str(taken))
            taken = reservation.amount
        try:
            with open_session(self._database_url) as session:
                api_usage.settle(session, self._provider, reservation.day, reservation.amount, taken, failed=failed)
                session.commit()
        except RetryableError as error:
            log.warning("provider_call_not_settled", provider=self._provider, code=error.code, reason=error.message)

    def _exhausted(self, session: Session, estimate: Usage, reset_s: float) -> str:
        limits, today = self._limits, api_usage.today(session, self._provider)
        until = f"The next day begins in {reset_s / 3600:.1f} h (midnight Pacific time)."
        if limits.calls_per_day is not None and today.calls + estimate.calls > limits.calls_per_day:
            setting = setting_of(self._provider, "calls_per_day")
            called = f"{self._provider} was called {today.calls} times today"
            return f"{called}, and {setting} is {limits.calls_per_day}. {until}"
        setting = setting_of(self._provider, "budget_usd_per_day")
        return (
            f"{self._provider} took ${today.cost_usd:.4f} today, another call may take ${estimate.cost_usd:.4f}, "
            f"and {setting} is {limits.budget_usd_per_day}. {until}"
        )


def _is_sound(usage: Usage) -> bool:
    numbers = (usage.calls, usage.input_tokens, usage.output_tokens, usage.searches, usage.cost_usd)
    return all(math.isfinite(number) and number >= 0 for number in numbers)
