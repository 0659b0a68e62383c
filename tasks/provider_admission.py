"""Whether a call may be made at this moment: circuit breaker, hold-off, and limits per minute.

The state is shared by all workers through Redis. While Redis is away, paid providers are not called, and free ones are
called within limits that each process keeps by itself.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from redis import RedisError

from core.errors import ConfigurationError, NotNowError
from core.provider_limits import ProviderLimits, setting_of
from core.providers import PAID, Provider, Usage
from core.settings import Settings
from core.telemetry import get_logger
from integrations.circuit_breaker import Blocked, CircuitBreaker, Passage
from integrations.local_limits import LocalLimiter, local_limiter
from integrations.rate_limits import CALLS, HOLD_OFF, TOKENS, WINDOW_S, RateLimiter, Refusal, Slot
from integrations.shared_redis import shared_redis

log = get_logger(__name__)

# Those who are sent away come back spread over at most this time; the first of them learns whether things are better.
_LONGEST_SPREAD_S = 30.0
# What a worker needs, beyond the call itself, to tell how a probe ended.
_PROBE_MARGIN_S = 10.0
_SETTINGS = {CALLS: "calls_per_minute", TOKENS: "tokens_per_minute"}


class Admission(Protocol):
    """A call that may be made now. Exactly one of the methods is to be called when it is known how it went."""

    def cancel(self) -> None:
        """It was not made."""

    def answered(self, taken: Usage) -> None:
        """The provider answered, be it that it refuses the request."""

    def failed(self, wish_s: float | None) -> None:
        """The provider did not answer as it should, and perhaps wishes for a pause."""

    def refused(self, wish_s: float | None) -> None:
        """The provider wants to be asked less (429), perhaps not before so many seconds."""

    def left_open(self) -> None:
        """It ended in a way that says nothing about the provider."""


class ProviderAdmission:
    """Decides for one provider. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, provider: Provider, limits: ProviderLimits, window_s: float = WINDOW_S
    ) -> None:
        url, asking = settings.required_redis_url, settings.look_up
        amounts = {CALLS: limits.calls_per_minute}
        if limits.tokens_per_minute is not None:
            amounts[TOKENS] = limits.tokens_per_minute
        client = shared_redis(url)
        self._provider = provider
        self._limits = amounts
        self._window_s = window_s
        self._wait_s = asking.wait_seconds
        self._limiter = RateLimiter(client, provider, amounts, window_s)
        self._alone = local_limiter(provider, url, tuple(amounts.items()), window_s)
        self._breaker = CircuitBreaker(
            client,
            provider,
            failures=asking.breaker_failures,
            pause_s=asking.breaker_seconds,
            longest_pause_s=asking.breaker_cap_seconds,
            probe_s=limits.timeout_s + _PROBE_MARGIN_S,
        )

    def enter(self, estimate: Usage) -> Admission:
        """Admit a call, after waiting a little for a free slot where that helps.

        Raises
        ------
        NotNowError
            The breaker is open, a limit is reached for longer than a worker waits, or nobody can count paid calls.
        ConfigurationError
            `invalid-settings`: the call alone is more than a limit allows, so it would never fit.
        """
        amounts = {CALLS: estimate.calls, TOKENS: estimate.tokens}
        self._require_fitting(amounts)
        deadline = time.monotonic() + self._wait_s
        while isinstance(found := self._try(amounts), Refusal):
            if time.monotonic() + found.wait_s > deadline:
                raise self._full(found)
            time.sleep(found.wait_s + random.uniform(0, 0.1))
        return found

    def _try(self, amounts: Mapping[str, int]) -> "Admission | Refusal":
        try:
            passage = self._breaker.enter()
            if isinstance(passage, Blocked):
                raise self._broken(passage)
            slot = self._limiter.take(amounts)
            if isinstance(slot, Refusal):
                # A probe that has to wait lets another one go first.
                self._breaker.left(passage)
                return slot
        except RedisError as error:
            return self._try_alone(amounts, error)
        self._alone.end_outage()
        return _Shared(self._provider, self._limiter, self._breaker, slot, passage)

    def _try_alone(self, amounts: Mapping[str, int], error: RedisError) -> "Admission | Refusal":
        reason = f"Redis does not answer ({type(error).__name__}: {error})"
        if self._provider in PAID:
            raise NotNowError(
                f"{reason}. Calls of {self._provider} cost money and are not made while nobody can count them.",
                random.uniform(2, 10),
            ) from error
        if self._alone.begin_outage():
            log.warning("provider_limits_not_shared", provider=self._provider, reason=reason)
        return self._alone.take(amounts) or _Alone(self._alone)

    def _require_fitting(self, amounts: Mapping[str, int]) -> None:
        for name, limit in self._limits.items():
            if amounts[name] > limit:
                setting = setting_of(self._provider, _SETTINGS[name])
                raise ConfigurationError(
                    "invalid-settings",
                    f"{setting} is {limit}, but one call may take {amounts[name]} {name}. Raise it, or ask about fewer "
                    "tracks in one call.",
                )

    def _full(self, refusal: Refusal) -> NotNowError:
        if refusal.limit == HOLD_OFF:
            message = f"{self._provider} said that it is asked too often, and wants to be left in peace"
            spread_s = min(refusal.wait_s, _LONGEST_SPREAD_S)
        else:
            setting = setting_of(self._provider, _SETTINGS[refusal.limit])
            message = f"{self._provider} is asked as often as {setting} ({self._limits[refusal.limit]}) allows"
            spread_s = self._window_s / 10
        retry_after_s = refusal.wait_s + random.uniform(0, spread_s)
        return NotNowError(f"{message}; the next call fits in {refusal.wait_s:.1f} s.", retry_after_s)

    def _broken(self, blocked: Blocked) -> NotNowError:
        spread_s = random.uniform(0, min(blocked.pause_s, _LONGEST_SPREAD_S))
        if blocked.pause_s and blocked.state == "open":
            text = f"{self._provider} keeps failing and is left in peace; the next try is in {blocked.wait_s:.1f} s."
            return NotNowError(text, blocked.wait_s + spread_s)
        # The probe may end any moment, so its whole time-out is not waited for.
        text = f"{self._provider} kept failing; one call finds out whether it is back."
        return NotNowError(text, min(blocked.wait_s, 1.0) + spread_s)


class _Shared:
    """An admission that all workers know of."""

    def __init__(
        self, provider: Provider, limiter: RateLimiter, breaker: CircuitBreaker, slot: Slot, passage: Passage
    ) -> None:
        self._provider, self._limiter, self._breaker = provider, limiter, breaker
        self._slot, self._passage = slot, passage

    def cancel(self) -> None:
        with self._noting_outage():
            self._breaker.left(self._passage)
            self._limiter.correct(self._slot, {})

    def answered(self, taken: Usage) -> None:
        with self._noting_outage():
            self._breaker.answered(self._passage)
            self._limiter.answered()
            # The call was made, so it counts, however much of it was given back.
            self._limiter.correct(self._slot, {CALLS: self._slot.amounts[CALLS], TOKENS: taken.tokens})

    def failed(self, wish_s: float | None) -> None:
        with self._noting_outage():
            if wish_s is not None:
                self._limiter.hold_off(wish_s)
            pause_s = self._breaker.failed(self._passage)
            if pause_s is not None:
                log.warning("provider_left_in_peace", provider=self._provider, pause_s=round(pause_s, 1))

    def refused(self, wish_s: float | None) -> None:
        with self._noting_outage():
            pause_s = self._limiter.hold_off(wish_s)
            self._breaker.left(self._passage)
            log.warning("provider_holds_off", provider=self._provider, pause_s=round(pause_s, 1), wish_s=wish_s)

    def left_open(self) -> None:
        with self._noting_outage():
            self._breaker.left(self._passage)

    @contextmanager
    def _noting_outage(self) -> Iterator[None]:
        """The call is over, and its outcome must not be lost with Redis: what it took stays counted as estimated."""
        try:
            yield
        except RedisError as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("provider_outcome_not_shared", provider=self._provider, reason=reason)


class _Alone:
    """An admission that only this process knows of."""

    def __init__(self, limiter: LocalLimiter) -> None:
        self._limiter = limiter

    def cancel(self) -> None: ...

    def answered(self, taken: Usage) -> None: ...

    def failed(self, wish_s: float | None) -> None:
        if wish_s is not None:
            self._limiter.hold_off(wish_s)

    def refused(self, wish_s: float | None) -> None:
        self._limiter.hold_off(wish_s)

    def left_open(self) -> None: ...
