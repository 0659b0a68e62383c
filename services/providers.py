"""How it stands with each provider: limits, what was used of them, the accounts, the cache, the circuit breaker."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from core.provider_limits import ProviderLimits, limits_of
from core.providers import PAID, Provider
from core.quota_days import next_reset, quota_day
from core.settings import Settings
from db.repositories import api_usage
from db.repositories.api_usage import DayUsage
from db.repositories.lookup_cache import CacheCounts, count_entries
from integrations.provider_live import LiveState

_DAYS = 30


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What one or more days took. `cache_hit_rate`: share of tracks that needed no call, or `None` without tracks."""

    calls: int
    failed_calls: int
    tracks_asked: int
    tracks_answered: int
    tracks_from_cache: int
    input_tokens: int
    output_tokens: int
    searches: int
    cost_usd: float
    cache_hit_rate: float | None


@dataclass(frozen=True, slots=True)
class TodayLeft:
    """What is left of the day, which begins and ends at midnight Pacific time. `None`: no limit."""

    day: date
    calls_left: int | None
    budget_left_usd: float | None
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """One provider. `live` is what all workers share at this moment; `None` while Redis does not answer."""

    provider: Provider
    paid: bool
    enabled: bool
    why_disabled: str | None
    limits: ProviderLimits
    live: LiveState | None
    today: UsageTotals
    left: TodayLeft
    last_30_days: UsageTotals
    cache: CacheCounts


def provider_status(session: Session, settings: Settings, live: Mapping[str, LiveState] | None) -> list[ProviderStatus]:
    """Every provider, those that are switched off included.

    Parameters
    ----------
    live
        From `integrations.provider_live.read_live`.
    """
    now = api_usage.clock(session)
    days = api_usage.read_days(session, quota_day(now) - timedelta(days=_DAYS - 1))
    cached = count_entries(session)
    return [
        _status(
            provider,
            limits_of(settings, provider),
            None if live is None else live.get(provider),
            [usage for usage in days if usage.provider == provider],
            cached.get(provider, CacheCounts()),
            now,
        )
        for provider in Provider
    ]


def _status(
    provider: Provider,
    limits: ProviderLimits,
    live: LiveState | None,
    days: list[DayUsage],
    cache: CacheCounts,
    now: datetime,
) -> ProviderStatus:
    today = _totals(usage for usage in days if usage.day == quota_day(now))
    return ProviderStatus(
        provider=provider,
        paid=provider in PAID,
        enabled=limits.enabled,
        why_disabled=limits.why_disabled,
        limits=limits,
        live=live,
        today=today,
        left=_left(limits, today, now),
        last_30_days=_totals(days),
        cache=cache,
    )


def _left(limits: ProviderLimits, today: UsageTotals, now: datetime) -> TodayLeft:
    per_day, budget = limits.calls_per_day, limits.budget_usd_per_day
    return TodayLeft(
        day=quota_day(now),
        calls_left=None if per_day is None else max(per_day - today.calls, 0),
        budget_left_usd=None if budget is None else max(budget - today.cost_usd, 0.0),
        resets_at=next_reset(now),
    )


def _totals(usages: Iterable[DayUsage]) -> UsageTotals:
    days = list(usages)
    asked = sum(day.tracks_asked for day in days)
    from_cache = sum(day.tracks_from_cache for day in days)
    return UsageTotals(
        calls=sum(day.calls for day in days),
        failed_calls=sum(day.failed_calls for day in days),
        tracks_asked=asked,
        tracks_answered=sum(day.tracks_answered for day in days),
        tracks_from_cache=from_cache,
        input_tokens=sum(day.input_tokens for day in days),
        output_tokens=sum(day.output_tokens for day in days),
        searches=sum(day.searches for day in days),
        cost_usd=sum(day.cost_usd for day in days),
        cache_hit_rate=from_cache / (asked + from_cache) if asked + from_cache else None,
    )
