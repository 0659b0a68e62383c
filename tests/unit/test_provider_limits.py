"""Limits as the settings say them, and why a provider is not asked."""

from pydantic import SecretStr

from core.provider_limits import limits_of, setting_of
from core.provider_settings import GeminiSettings, ReccoBeatsSettings
from core.providers import Provider
from core.settings import Settings, variables


def settings_with(gemini: GeminiSettings) -> Settings:
    return Settings().model_copy(update={"gemini": gemini, "google_api_key": None})


def test_gemini_needs_a_key_and_money() -> None:
    keyless = limits_of(settings_with(GeminiSettings(api_key=None)), Provider.GEMINI)
    assert (keyless.enabled, keyless.why_disabled) == (False, "MUSICSPACE_GEMINI__API_KEY is not set")
    broke = limits_of(settings_with(GeminiSettings(api_key=SecretStr("k"), budget_usd_per_day=0)), Provider.GEMINI)
    assert (broke.enabled, broke.why_disabled) == (False, "MUSICSPACE_GEMINI__BUDGET_USD_PER_DAY is 0")
    ready = limits_of(settings_with(GeminiSettings(api_key=SecretStr("k"), calls_per_minute=3)), Provider.GEMINI)
    assert ready.enabled
    assert (ready.calls_per_minute, ready.budget_usd_per_day, ready.timeout_s) == (3, 1.0, 90.0)


def test_reccobeats_is_off_until_switched_on() -> None:
    off = limits_of(Settings().model_copy(update={"reccobeats": ReccoBeatsSettings()}), Provider.RECCOBEATS)
    assert off.why_disabled == "MUSICSPACE_RECCOBEATS__ENABLED is not true"
    switched = ReccoBeatsSettings(enabled=True, calls_per_day=9)
    on = limits_of(Settings().model_copy(update={"reccobeats": switched}), Provider.RECCOBEATS)
    assert on.enabled
    assert (on.calls_per_day, on.tokens_per_minute, on.budget_usd_per_day) == (9, None, None)


def test_messages_name_settings_that_exist() -> None:
    known = {name for name, _ in variables()}
    for field in ("calls_per_minute", "tokens_per_minute", "calls_per_day", "budget_usd_per_day", "api_key"):
        assert setting_of(Provider.GEMINI, field) in known
    for field in ("calls_per_minute", "calls_per_day", "enabled"):
        assert setting_of(Provider.RECCOBEATS, field) in known
