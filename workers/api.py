"""The API worker (threads): `python -m celery -A workers.api worker -Q lookup --pool=threads`. It calls providers."""

from celery import Celery

from core.settings import get_settings
from core.telemetry import get_logger
from tasks.app import app
from tasks.strategies import strategy
from workers import startup

__all__ = ["app"]

log = get_logger(__name__)


def tell_providers(app: Celery) -> None:
    """Say once which providers are asked and why others are not; load what answers need before the first one."""
    from core.provider_limits import limits_of
    from core.providers import Provider
    from services.look_ups.clients import open_client

    settings = get_settings()
    strategy(settings.routing.strategy, settings.artifacts_dir)
    for provider in Provider:
        limits = limits_of(settings, provider)
        if limits.enabled:
            open_client(settings, provider).close()
            log.info("provider_enabled", provider=provider, calls_per_minute=limits.calls_per_minute)
        else:
            log.info("provider_disabled", provider=provider, reason=limits.why_disabled)


startup.connect(tell_providers)
