"""How much may be asked of each provider, as the settings say it."""

from dataclasses import dataclass

from core.providers import Provider
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """What all workers of all machines together keep to with one provider. `None`: no limit."""

    calls_per_minute: int
    tokens_per_minute: int | None = None  #: Input and output together.
    calls_per_day: int | None = None  #: Days begin at midnight Pacific time.
    budget_usd_per_day: float | None = None
    timeout_s: float = 60.0  #: Longest time one call takes.
    why_disabled: str | None = None  #: What an operator must change, where the provider is not asked at all.

    @property
    def enabled(self) -> bool:
        """Whether the provider is asked."""
        return self.why_disabled is None


def limits_of(settings: Settings, provider: Provider) -> ProviderLimits:
    """The limits of a provider, and whether it is asked."""
    match provider:
        case Provider.RECCOBEATS:
            return _reccobeats(settings)
        case Provider.GEMINI:
            return _gemini(settings)


def setting_of(provider: Provider, field: str) -> str:
    """The variable that holds a provider's setting, for messages."""
    return f"MUSICSPACE_{provider.upper()}__{field.upper()}"


def _reccobeats(settings: Settings) -> ProviderLimits:
    own = settings.reccobeats
    return ProviderLimits(
        calls_per_minute=own.calls_per_minute,
        calls_per_day=own.calls_per_day,
        timeout_s=own.timeout_seconds,
        why_disabled=None if own.enabled else f"{setting_of(Provider.RECCOBEATS, 'enabled')} is not true",
    )


def _gemini(settings: Settings) -> ProviderLimits:
    own, why = settings.gemini, None
    if settings.gemini_key is None:
        why = f"{setting_of(Provider.GEMINI, 'api_key')} is not set"
    elif own.budget_usd_per_day == 0:
        why = f"{setting_of(Provider.GEMINI, 'budget_usd_per_day')} is 0"
    return ProviderLimits(
        calls_per_minute=own.calls_per_minute,
        tokens_per_minute=own.tokens_per_minute,
        calls_per_day=own.calls_per_day,
        budget_usd_per_day=own.budget_usd_per_day,
        timeout_s=own.timeout_seconds,
        why_disabled=why,
    )
