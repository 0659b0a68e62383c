"""The gate as a whole: what opens the breaker, what makes everybody hold off, what happens while a server is away."""

import threading
import time

import pytest
from gate_calls import ESTIMATE, TAKEN, fail, gate_of, limits, succeed, time_out
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.errors import ConfigurationError, MusicSpaceError, NotNowError, PermanentError, RetryableError
from core.provider_failures import UnbilledError
from core.provider_settings import GeminiSettings, LookUpSettings
from core.providers import Provider, Usage
from db.engine import open_session
from db.repositories import api_usage
from integrations.provider_live import read_live
from services.providers import provider_status
from tasks.provider_gate import ProviderGate

NOWHERE = "redis://127.0.0.1:1/0"
KEY = "AIzaSy-a-very-secret-key"


@pytest.fixture
def settings(settings):
    """Without waiting, with short pauses, and with a key."""
    asking = LookUpSettings(wait_seconds=0, breaker_failures=3, breaker_seconds=0.5, breaker_cap_seconds=4)
    gemini = GeminiSettings(api_key=SecretStr(KEY))
    return settings.model_copy(update={"look_up": asking, "gemini": gemini})


def live(settings):
    return read_live(settings.redis_url, [Provider.GEMINI])[Provider.GEMINI]


def attempt(gate, error=None):
    """Make a call that succeeds, or ends with an error; returns what came out."""
    try:
        return gate.through(ESTIMATE, succeed if error is None else fail(error))
    except MusicSpaceError as raised:
        return raised


def test_a_full_minute_sends_workers_away_until_a_call_fits(settings):
    gate = gate_of(settings, calls_per_minute=3)
    outcomes = [attempt(gate) for _ in range(5)]
    assert outcomes[:3] == ["answer"] * 3
    for error in outcomes[3:]:
        assert isinstance(error, NotNowError)
        assert 58 < error.retry_after_s < 70
        assert "MUSICSPACE_GEMINI__CALLS_PER_MINUTE (3)" in error.message


def test_a_short_wait_is_waited_for(settings):
    patient = settings.model_copy(update={"look_up": LookUpSettings(wait_seconds=5)})
    gate = ProviderGate(patient, Provider.GEMINI, limits(calls_per_minute=2), window_s=0.6)
    started = time.monotonic()
    assert [attempt(gate) for _ in range(5)] == ["answer"] * 5
    assert time.monotonic() - started > 1.2


def test_tokens_are_counted_as_they_were_taken(settings):
    gate = gate_of(settings, tokens_per_minute=5_000)
    # Estimates of 3,000 each: two of them fit only because the first took 1,000.
    assert [attempt(gate) for _ in range(3)] == ["answer"] * 3
    assert live(settings).tokens_last_minute == 3 * TAKEN.tokens
    error = attempt(gate)
    assert isinstance(error, NotNowError)
    assert "TOKENS_PER_MINUTE" in error.message


def test_a_call_above_the_limit_of_tokens_names_the_setting(settings):
    error = attempt(gate_of(settings, tokens_per_minute=2_999))
    assert isinstance(error, ConfigurationError)
    assert "MUSICSPACE_GEMINI__TOKENS_PER_MINUTE is 2999" in error.message


def test_failures_open_the_breaker_and_a_probe_closes_it(settings):
    gate = gate_of(settings)
    errors = (time_out(), UnbilledError("provider-unavailable", "503"), RetryableError("provider-answer-broken", "x"))
    for error in errors:
        assert attempt(gate, error) is error
    blocked = attempt(gate)
    assert isinstance(blocked, NotNowError)
    assert 0.1 < blocked.retry_after_s <= 1.0
    assert live(settings).breaker == "open"
    time.sleep(0.51)
    assert attempt(gate) == "answer"
    assert live(settings).breaker == "closed"


def test_one_probe_goes_through_of_fifty_calls(settings):
    gate = gate_of(settings)
    for _ in range(3):
        attempt(gate, time_out())
    time.sleep(0.51)
    sent, outcomes, done = [], [], threading.Event()

    def send():
        sent.append(1)
        done.wait(10)
        raise time_out()

    def run():
        try:
            gate.through(ESTIMATE, send)
        except MusicSpaceError as error:
            outcomes.append(error)
        if len(outcomes) == 49:
            done.set()

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 1
    refused = [error for error in outcomes if isinstance(error, NotNowError)]
    assert len(refused) == 49
    # Its failure doubles the pause; those sent away do not all come back at once.
    assert 0.5 < live(settings).next_probe_s <= 1.0
    assert len({round(error.retry_after_s, 4) for error in refused}) > 25


def test_the_budget_stops_a_probe_without_using_it_up(settings):
    gate = gate_of(settings)
    for _ in range(3):
        attempt(gate, time_out())
    time.sleep(0.51)
    assert isinstance(attempt(gate_of(settings, budget_usd_per_day=0.01)), NotNowError)
    assert attempt(gate) == "answer"


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("provider-refused", "400"),
        ConfigurationError("provider-key-refused", "401"),
        RetryableError("provider-rate-limited", "429", 0.001),
    ],
)
def test_refusals_do_not_open_the_breaker(settings, error):
    gate = gate_of(settings)
    for _ in range(5):
        assert attempt(gate, error) is error
        time.sleep(0.002)
    assert attempt(gate) == "answer"


def test_all_workers_hold_off_as_long_as_the_provider_wishes(settings):
    one, other = gate_of(settings), gate_of(settings)
    attempt(one, RetryableError("provider-rate-limited", "429", 0.8))
    error = attempt(other)
    assert isinstance(error, NotNowError)
    assert 0.2 < error.retry_after_s <= 1.6
    assert "left in peace" in error.message
    assert live(settings).hold_off_s > 0.2
    time.sleep(0.81)
    assert attempt(other) == "answer"


def test_a_provider_that_is_switched_off_is_not_asked(settings):
    with pytest.raises(ConfigurationError) as raised:
        gate_of(settings, why_disabled="MUSICSPACE_GEMINI__API_KEY is not set").through(ESTIMATE, pytest.fail)
    assert (raised.value.code, "API_KEY is not set" in raised.value.message) == ("provider-disabled", True)


def test_without_redis_nothing_that_costs_is_sent(settings):
    gate = gate_of(settings.model_copy(update={"redis_url": NOWHERE}), budget_usd_per_day=1.0)
    with pytest.raises(NotNowError, match="Redis does not answer") as raised:
        gate.through(ESTIMATE, pytest.fail)
    assert 1 < raised.value.retry_after_s < 30
    with open_session(settings.database_url) as session:
        assert api_usage.today(session, Provider.GEMINI).calls == 0


def test_without_redis_a_free_provider_is_asked_within_the_limit_of_a_process(settings):
    alone = settings.model_copy(update={"redis_url": NOWHERE})
    gates = [ProviderGate(alone, Provider.RECCOBEATS, limits(calls_per_minute=4)) for _ in range(2)]
    with capture_logs() as logs:
        outcomes = [attempt_free(gates[i % 2]) for i in range(7)]
    assert outcomes[:4] == ["answer"] * 4
    assert all(isinstance(error, NotNowError) for error in outcomes[4:])
    assert [entry["event"] for entry in logs].count("provider_limits_not_shared") == 1
    with open_session(settings.database_url) as session:
        assert api_usage.today(session, Provider.RECCOBEATS).calls == 4


def attempt_free(gate):
    try:
        return gate.through(Usage(), lambda: ("answer", Usage()))
    except NotNowError as error:
        return error


def test_redis_that_dies_in_the_middle_of_a_call_costs_no_answer(settings, monkeypatch):
    gate = gate_of(settings)

    def send():
        monkeypatch.setattr(gate._admission._limiter, "_client", dead())
        monkeypatch.setattr(gate._admission._breaker, "_client", dead())
        return "answer", TAKEN

    with capture_logs() as logs:
        assert gate.through(ESTIMATE, send) == "answer"
    assert "provider_outcome_not_shared" in [entry["event"] for entry in logs]


def dead():
    from integrations.shared_redis import shared_redis

    return shared_redis(NOWHERE)


def test_without_postgres_nothing_is_sent_and_no_slot_is_used(settings):
    gate = gate_of(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"}))
    with pytest.raises(RetryableError) as raised:
        gate.through(ESTIMATE, pytest.fail)
    assert raised.value.code == "database-unavailable"
    assert live(settings).calls_last_minute == 0


def test_the_key_is_in_no_message_no_log_and_no_status(settings):
    gates = [
        gate_of(settings, budget_usd_per_day=0.01),
        gate_of(settings, tokens_per_minute=1),
        gate_of(settings.model_copy(update={"redis_url": NOWHERE})),
        gate_of(settings, why_disabled="switched off"),
    ]
    with capture_logs() as logs:
        texts = [repr(attempt(gate)) for gate in gates]
        texts += [repr(attempt(gate_of(settings), time_out())) for _ in range(5)]
    with open_session(settings.database_url) as session:
        texts.append(repr(provider_status(session, settings, read_live(settings.redis_url, list(Provider)))))
    assert KEY not in " ".join(texts) + repr(logs)
    assert any("GEMINI" in text for text in texts)
