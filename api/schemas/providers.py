"""Providers: their limits, what was used of them, and how they are."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.providers import Provider as ProviderName

if TYPE_CHECKING:
    from services.providers import ProviderStatus

_USAGE_EXAMPLE: dict[str, Any] = {
    "calls": 12,
    "failed_calls": 1,
    "tracks_asked": 60,
    "tracks_answered": 51,
    "tracks_from_cache": 20,
    "input_tokens": 18_000,
    "output_tokens": 9_400,
    "searches": 31,
    "cost_usd": 0.4489,
    "cache_hit_rate": 0.25,
}
PROVIDER_EXAMPLE: dict[str, Any] = {
    "name": "gemini",
    "paid": True,
    "enabled": True,
    "why_disabled": None,
    "limits": {
        "calls_per_minute": 10,
        "tokens_per_minute": 250_000,
        "calls_per_day": 1_000,
        "budget_usd_per_day": 1.0,
    },
    "live": {
        "calls_last_minute": 3,
        "tokens_last_minute": 6_850,
        "breaker": "closed",
        "failures_in_a_row": 0,
        "next_probe_s": None,
        "hold_off_s": None,
    },
    "today": _USAGE_EXAMPLE,
    "left": {
        "day": "2026-05-04",
        "calls_left": 988,
        "budget_left_usd": 0.5511,
        "resets_at": "2026-05-05T00:00:00-07:00",
    },
    "last_30_days": _USAGE_EXAMPLE,
    "cache": {"answers": 51, "unknown": 9, "asked_now": 0},
}


class ProviderLimits(BaseModel):
    """What all workers of all machines together keep to. Null: no limit."""

    calls_per_minute: int
    tokens_per_minute: int | None = Field(description="Input and output together.")
    calls_per_day: int | None
    budget_usd_per_day: float | None


class ProviderLive(BaseModel):
    """The provider at this moment."""

    calls_last_minute: int
    tokens_last_minute: int = Field(description="Of calls under way, the most that they may take.")
    breaker: str = Field(
        description="`closed`: calls pass. `open`: the provider fails and is left in peace. `half-open`: one call "
        "finds out whether it is back."
    )
    failures_in_a_row: int
    next_probe_s: float | None = Field(description="Where the breaker is open: seconds until one call is tried.")
    hold_off_s: float | None = Field(description="Seconds that the provider still wants to be left in peace (429).")


class ProviderUsage(BaseModel):
    """What was asked, and what it took, with the most that calls under way may take."""

    calls: int
    failed_calls: int
    tracks_asked: int
    tracks_answered: int
    tracks_from_cache: int = Field(description="Answered without a call.")
    input_tokens: int
    output_tokens: int
    searches: int
    cost_usd: float
    cache_hit_rate: float | None = Field(description="Share of tracks that needed no call; null without tracks.")


class ProviderLeft(BaseModel):
    """What is left of the day. Null: no limit."""

    day: date = Field(description="Days begin at midnight Pacific time.")
    calls_left: int | None
    budget_left_usd: float | None
    resets_at: datetime


class ProviderCache(BaseModel):
    """Subjects in the cache of answers."""

    answers: int
    unknown: int = Field(description="The provider said that it does not know them.")
    asked_now: int


class Provider(BaseModel):
    """A provider of audio features."""

    name: ProviderName
    paid: bool = Field(description="Whether its calls cost money.")
    enabled: bool
    why_disabled: str | None = Field(description="What to change where it is not asked.")
    limits: ProviderLimits
    live: ProviderLive | None = Field(description="Null while Redis does not answer.")
    today: ProviderUsage
    left: ProviderLeft
    last_30_days: ProviderUsage
    cache: ProviderCache

    model_config = ConfigDict(json_schema_extra={"examples": [PROVIDER_EXAMPLE]})

    @classmethod
    def of(cls, status: "ProviderStatus") -> Self:
        """The provider as the service tells it."""
        return cls(name=status.provider, **{key: value for key, value in asdict(status).items() if key != "provider"})


class ProviderList(BaseModel):
    """Every provider."""

    providers: list[Provider]

    model_config = ConfigDict(json_schema_extra={"examples": [{"providers": [PROVIDER_EXAMPLE]}]})
