"""Providers over HTTP and on the command line: limits, spend, state, and never a key."""

import json

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from typer.testing import CliRunner

from api.app import create_app
from cli.providers import app as providers_app
from core.errors import RetryableError
from core.provider_settings import GeminiSettings, LookUpSettings, ReccoBeatsSettings
from core.providers import Provider, Usage
from core.settings import use_settings
from db.repositories import api_usage, lookup_cache
from tasks.provider_gate import ProviderGate

KEY = "AIzaSy-a-very-secret-key"


@pytest.fixture
def api_settings(api_settings):
    """Both providers are asked, the paid one with a small budget."""
    changes = {
        "gemini": GeminiSettings(api_key=SecretStr(KEY), budget_usd_per_day=0.5, calls_per_day=20),
        "reccobeats": ReccoBeatsSettings(enabled=True),
        "look_up": LookUpSettings(wait_seconds=0, breaker_failures=2, breaker_seconds=30),
    }
    chosen = api_settings.model_copy(update=changes)
    use_settings(chosen)
    return chosen


@pytest.fixture
def used(api_settings, session):
    """A day with calls, cached answers, and a provider that fails."""
    gate = ProviderGate(api_settings, Provider.GEMINI)
    estimate, taken = Usage(1, 1_000, 500, 1, 0.05), Usage(1, 300, 200, 2, 0.04)
    for _ in range(3):
        gate.through(estimate, lambda: ("answer", taken))
    api_usage.add_tracks(session, Provider.GEMINI, asked=15, answered=12, from_cache=5)
    lookup_cache.keep(session, Provider.GEMINI, "v", "me", {"a": {"x": 1}, "b": None}, 10, 10)
    session.commit()
    failing = ProviderGate(api_settings, Provider.RECCOBEATS)

    def fail():
        raise RetryableError("provider-unavailable", "ReccoBeats did not answer within 20 s.")

    for _ in range(2):
        with pytest.raises(RetryableError):
            failing.through(Usage(), fail)


def by_name(client):
    response = client.get("/api/providers")
    assert response.status_code == 200
    assert KEY not in response.text
    return {provider["name"]: provider for provider in response.json()["providers"]}


def test_limits_spend_breaker_and_hit_rate(used, anonymous):
    found = by_name(anonymous)
    gemini = found["gemini"]
    assert (gemini["paid"], gemini["enabled"], gemini["why_disabled"]) == (True, True, None)
    assert gemini["limits"] == {
        "calls_per_minute": 10,
        "tokens_per_minute": 250_000,
        "calls_per_day": 20,
        "budget_usd_per_day": 0.5,
    }
    assert gemini["live"] == {
        "calls_last_minute": 3,
        "tokens_last_minute": 1_500,
        "breaker": "closed",
        "failures_in_a_row": 0,
        "next_probe_s": None,
        "hold_off_s": None,
    }
    today = gemini["today"]
    assert (today["calls"], today["failed_calls"], today["cost_usd"]) == (3, 0, pytest.approx(0.12))
    assert (today["tracks_asked"], today["tracks_answered"], today["tracks_from_cache"]) == (15, 12, 5)
    assert (today["input_tokens"], today["output_tokens"], today["searches"]) == (900, 600, 6)
    assert today["cache_hit_rate"] == 0.25
    assert gemini["last_30_days"] == today
    assert (gemini["left"]["calls_left"], gemini["left"]["budget_left_usd"]) == (17, pytest.approx(0.38))
    assert gemini["left"]["resets_at"].endswith(("T00:00:00-08:00", "T00:00:00-07:00"))
    assert gemini["cache"] == {"answers": 1, "unknown": 1, "asked_now": 0}
    reccobeats = found["reccobeats"]
    assert (reccobeats["paid"], reccobeats["limits"]["budget_usd_per_day"]) == (False, None)
    assert reccobeats["live"]["breaker"] == "open"
    assert 0 < reccobeats["live"]["next_probe_s"] <= 30
    assert (reccobeats["today"]["failed_calls"], reccobeats["today"]["cache_hit_rate"]) == (2, None)


def test_why_a_provider_is_not_asked(api_settings):
    off = {"gemini": GeminiSettings(api_key=None), "google_api_key": None, "reccobeats": ReccoBeatsSettings()}
    found = by_name(TestClient(create_app(api_settings.model_copy(update=off))))
    assert {name: provider["why_disabled"] for name, provider in found.items()} == {
        "gemini": "MUSICSPACE_GEMINI__API_KEY is not set",
        "reccobeats": "MUSICSPACE_RECCOBEATS__ENABLED is not true",
    }
    assert not any(provider["enabled"] for provider in found.values())


def test_without_redis_the_accounts_are_still_told(used, api_settings):
    nowhere = api_settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    found = by_name(TestClient(create_app(nowhere)))
    assert found["gemini"]["live"] is None
    assert found["gemini"]["today"]["calls"] == 3


def test_the_command_shows_the_same(used, api_settings):
    shown = CliRunner().invoke(providers_app, [])
    assert shown.exit_code == 0, shown.output
    for words in ("3 of 20", "$0.1200 of $0.50", "circuit breaker open, next try in", "25% today"):
        assert words in shown.output
    told = CliRunner().invoke(providers_app, ["--json"])
    assert told.exit_code == 0, told.output
    found = {status["provider"]: status for status in json.loads(told.stdout)}
    assert found["gemini"]["today"]["calls"] == 3
    assert found["reccobeats"]["live"]["breaker"] == "open"
    assert KEY not in shown.output + told.output
