"""What Redis knows of the providers at this moment: calls of the last minute, pauses, circuit breakers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import redis

from core.telemetry import get_logger
from integrations.circuit_breaker import BreakerState
from integrations.rate_limits import BUCKETS, CALLS, HOLD_OFF, TOKENS, WINDOW_S
from integrations.shared_redis import key_of, shared_redis

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveState:
    """One provider, now."""

    calls_last_minute: int
    tokens_last_minute: int
    breaker: BreakerState
    failures_in_a_row: int
    next_probe_s: float | None  #: Where the breaker is open.
    hold_off_s: float | None  #: Where the provider asked to be left in peace.


def read_live(redis_url: str, providers: Iterable[str], window_s: float = WINDOW_S) -> dict[str, LiveState] | None:
    """The state of each provider; `None` where Redis does not answer."""
    try:
        return {provider: _read(shared_redis(redis_url), provider, window_s) for provider in providers}
    except redis.RedisError as error:
        log.warning("live_state_unknown", reason=f"{type(error).__name__}: {error}")
        return None


def _read(client: redis.Redis, provider: str, window_s: float) -> LiveState:
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for part in (CALLS, TOKENS, "breaker"):
        pipeline.hgetall(key_of(provider, part))
    pipeline.get(key_of(provider, HOLD_OFF))
    (seconds, micros), calls, tokens, breaker, held_until_us = pipeline.execute()
    now_us = int(seconds) * 1_000_000 + int(micros)
    oldest = int(now_us / (window_s / BUCKETS * 1e6)) - BUCKETS + 1
    state, next_probe_s = _breaker(breaker, now_us / 1000)
    hold_off_s = (int(held_until_us or 0) - now_us) / 1e6
    return LiveState(
        calls_last_minute=_sum(calls, oldest),
        tokens_last_minute=_sum(tokens, oldest),
        breaker=state,
        failures_in_a_row=int(breaker.get("failures", 0)),
        next_probe_s=next_probe_s,
        hold_off_s=hold_off_s if hold_off_s > 0 else None,
    )


def _sum(buckets: Mapping[str, str], oldest: int) -> int:
    return sum(int(float(n)) for bucket, n in buckets.items() if int(bucket) >= oldest)


def _breaker(found: Mapping[str, str], now_ms: float) -> tuple[BreakerState, float | None]:
    open_until = int(found.get("open_until", 0))
    if not open_until:
        return BreakerState.CLOSED, None
    if open_until > now_ms:
        return BreakerState.OPEN, (open_until - now_ms) / 1000
    return BreakerState.HALF_OPEN, None
