"""Providers that are asked about tracks."""

from fastapi import APIRouter

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.providers import Provider, ProviderList

router = APIRouter(prefix="/api/providers", tags=["providers"])


@router.get("", summary="Every provider with limits, spend and state", responses=problems())
def list_providers(session: DatabaseSession, settings: AppSettings) -> ProviderList:
    """Who is asked, or why not; what is left of the day; circuit breaker, pauses, and the hit rate of the cache."""
    from core.providers import Provider as ProviderName
    from integrations.provider_live import read_live
    from services.providers import provider_status

    live = read_live(settings.required_redis_url, list(ProviderName))
    return ProviderList(providers=[Provider.of(status) for status in provider_status(session, settings, live)])
