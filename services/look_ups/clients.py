"""The clients of the providers that are switched on."""

from typing import TYPE_CHECKING

from core.errors import ConfigurationError
from core.provider_limits import limits_of
from core.providers import Provider
from core.settings import Settings

if TYPE_CHECKING:
    from core.providers import ProviderClient


def enabled_providers(settings: Settings) -> list[Provider]:
    """The providers that may be asked."""
    return [provider for provider in Provider if limits_of(settings, provider).enabled]


def require_enabled(settings: Settings, provider: Provider) -> None:
    """Raise `ConfigurationError` (`provider-disabled`) unless the provider may be asked; it names the setting."""
    limits = limits_of(settings, provider)
    if not limits.enabled:
        raise ConfigurationError("provider-disabled", f"{provider} is not asked: {limits.why_disabled}.")


def open_client(settings: Settings, provider: Provider) -> "ProviderClient":
    """A client of the provider; nothing is sent.

    Raises
    ------
    ConfigurationError
        `provider-disabled`: it is switched off or has no key; the message names the setting.
    """
    require_enabled(settings, provider)
    if provider is Provider.RECCOBEATS:
        from integrations.reccobeats import ReccoBeatsClient

        return ReccoBeatsClient(settings.reccobeats)
    from integrations.gemini import GeminiClient

    key = settings.gemini_key
    assert key is not None  # or it would not be enabled
    return GeminiClient(settings.gemini, key)
