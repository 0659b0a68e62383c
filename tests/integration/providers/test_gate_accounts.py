"""The day's calls and money: reserved before a call, settled after it, kept whatever happens to Redis or a worker."""

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from gate_calls import ESTIMATE, TAKEN, fail, gate_of, succeed, time_out
from sqlalchemy import text

from core.errors import ConfigurationError, NotNowError, PermanentError, RetryableError
from core.provider_failures import UnbilledError
from core.providers import Provider, Usage
from core.quota_days import quota_day, seconds_to_reset
from db.repositories import api_usage
from integrations.provider_live import read_live


def today(session):
    session.rollback()
    return api_usage.today(session, Provider.GEMINI)


def spent(session):
    found = today(session)
    return found.calls, found.failed_calls, found.input_tokens + found.output_tokens, round(found.cost_usd, 6)


def test_a_call_is_reserved_while_it_is_under_way_and_settled_afterwards(settings, session):
    seen = []

    def send():
        seen.append(spent(session))
        return "answer", TAKEN

    assert gate_of(settings, budget_usd_per_day=1.0).through(ESTIMATE, send) == "answer"
    assert seen == [(1, 0, 3_000, 0.05)]
    assert spent(session) == (1, 0, 1_000, 0.04)
    assert today(session).searches == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RetryableError("provider-rate-limited", "too often", 0.001), (0, 1, 0, 0.0)),
        (UnbilledError("provider-unavailable", "500"), (0, 1, 0, 0.0)),
        (PermanentError("provider-refused", "400"), (0, 1, 0, 0.0)),
        (ConfigurationError("provider-key-refused", "401"), (0, 1, 0, 0.0)),
        (time_out(), (1, 1, 3_000, 0.05)),
        (RetryableError("provider-answer-broken", "half of it"), (1, 1, 3_000, 0.05)),
        (ValueError("a mistake of ours"), (1, 1, 3_000, 0.05)),
        (KeyboardInterrupt(), (1, 1, 3_000, 0.05)),
    ],
)
def test_what_may_have_been_billed_stays_on_the_account(settings, session, error, expected):
    with pytest.raises(type(error)) as raised:
        gate_of(settings, budget_usd_per_day=1.0).through(ESTIMATE, fail(error))
    assert raised.value is error
    assert spent(session) == expected


def test_an_account_of_nonsense_counts_as_the_estimate(settings, session):
    gate_of(settings).through(ESTIMATE, lambda: ("answer", Usage(cost_usd=float("nan"))))
    assert spent(session) == (1, 0, 3_000, 0.05)


def test_threads_together_never_spend_more_than_the_budget(settings, session):
    gates = [gate_of(settings, budget_usd_per_day=0.5) for _ in range(3)]
    sent, errors = [], []

    def send():
        sent.append(1)
        return "answer", ESTIMATE

    def run(gate):
        try:
            gate.through(ESTIMATE, send)
        except NotNowError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(gates[i % 3],)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sent), len(errors)) == (10, 14)
    assert spent(session)[3] == pytest.approx(0.5)


def test_an_exhausted_budget_waits_for_midnight_and_names_its_setting(settings, session):
    gate = gate_of(settings, budget_usd_per_day=0.09)
    gate.through(ESTIMATE, succeed)
    gate.through(ESTIMATE, succeed)
    with pytest.raises(NotNowError) as raised:
        gate.through(ESTIMATE, pytest.fail)
    reset_s = seconds_to_reset(api_usage.clock(session))
    assert reset_s - 5 < raised.value.retry_after_s < reset_s + 61
    assert "MUSICSPACE_GEMINI__BUDGET_USD_PER_DAY is 0.09" in raised.value.message
    # The slot of the minute was given back: only the calls that were made count.
    live = read_live(settings.redis_url, [Provider.GEMINI])
    assert live[Provider.GEMINI].calls_last_minute == 2


def test_calls_per_day_are_limited_for_free_providers_too(settings):
    gate = gate_of(settings, Provider.RECCOBEATS, calls_per_day=2)
    for _ in range(2):
        gate.through(Usage(), lambda: ("answer", Usage()))
    with pytest.raises(NotNowError, match="MUSICSPACE_RECCOBEATS__CALLS_PER_DAY is 2"):
        gate.through(Usage(), pytest.fail)


def test_a_budget_that_is_too_small_for_one_call_is_never_exceeded(settings):
    with pytest.raises(NotNowError, match="BUDGET_USD_PER_DAY"):
        gate_of(settings, budget_usd_per_day=0.01).through(ESTIMATE, pytest.fail)


def test_ten_dimes_are_a_dollar(settings):
    dime = Usage(cost_usd=0.1)
    gate = gate_of(settings, budget_usd_per_day=1.0)
    for _ in range(10):
        gate.through(dime, lambda: ("answer", dime))
    with pytest.raises(NotNowError):
        gate.through(dime, pytest.fail)


def test_a_flushed_redis_grants_no_second_budget(settings, session):
    gate = gate_of(settings, budget_usd_per_day=0.25)
    with redis.Redis.from_url(settings.redis_url) as client:
        for _ in range(5):
            gate.through(ESTIMATE, lambda: ("answer", ESTIMATE))
            client.flushdb()
        with pytest.raises(NotNowError, match="BUDGET"):
            gate.through(ESTIMATE, pytest.fail)
    assert spent(session) == (5, 0, 15_000, 0.25)


def test_redis_flushed_in_the_middle_of_a_call_loses_nothing(settings, session):
    def send():
        with redis.Redis.from_url(settings.redis_url) as client:
            client.flushdb()
        return "answer", TAKEN

    assert gate_of(settings).through(ESTIMATE, send) == "answer"
    assert spent(session) == (1, 0, 1_000, 0.04)


def test_a_killed_worker_leaves_its_reservation(settings, session):
    here = Path(__file__).parent
    command = [sys.executable, str(here / "killed_caller.py"), settings.database_url, settings.redis_url]
    killed = subprocess.run(command, cwd=here.parents[2], capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert spent(session) == (1, 0, 3_000, 0.05)


def test_yesterday_is_another_account(settings, session):
    gate = gate_of(settings, budget_usd_per_day=0.05)
    gate.through(ESTIMATE, lambda: ("answer", ESTIMATE))
    session.execute(text("UPDATE api_usage SET day = day - 1"))
    session.commit()
    gate.through(ESTIMATE, lambda: ("answer", ESTIMATE))
    yesterday = quota_day(api_usage.clock(session)) - timedelta(days=1)
    assert [usage.calls for usage in api_usage.read_days(session, yesterday)] == [1, 1]


def test_a_call_over_midnight_is_settled_on_the_day_that_it_began(session):
    day = quota_day(api_usage.clock(session)) - timedelta(days=1)
    assert api_usage.reserve(session, Provider.GEMINI, day, ESTIMATE, calls_per_day=1, budget_usd=0.05)
    assert not api_usage.reserve(session, Provider.GEMINI, day, ESTIMATE, calls_per_day=1, budget_usd=9)
    api_usage.settle(session, Provider.GEMINI, day, ESTIMATE, TAKEN)
    session.commit()
    [found] = api_usage.read_days(session, day)
    assert (found.day, found.calls, found.cost_usd) == (day, 1, pytest.approx(0.04))
    assert today(session).calls == 0
