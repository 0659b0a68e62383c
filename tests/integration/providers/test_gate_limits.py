"""Limits per minute hold across threads and processes, in every window and not only in those of a clock."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis
from limiter_hammer import TOKENS_OF_ONE

from integrations.local_limits import LocalLimiter
from integrations.rate_limits import CALLS, HOLD_OFF, TOKENS, RateLimiter, Refusal, Slot
from integrations.shared_redis import key_of, shared_redis

WINDOW_S = 1.2


@pytest.fixture
def make_limiter(redis_url):
    """A limiter of its own windows; all of them share what they count."""

    def make(calls=5, window_s=WINDOW_S, tokens=None):
        limits = {CALLS: calls} | ({} if tokens is None else {TOKENS: tokens})
        return RateLimiter(shared_redis(redis_url), "tested", limits, window_s)

    return make


def most_in_a_window(granted, window_s):
    """The most grants that surely lie in one window, wherever it begins."""
    window_ns = int(window_s * 1e9)
    return max(sum(begin <= before and after <= begin + window_ns for before, after in granted) for begin, _ in granted)


@pytest.mark.parametrize(("calls", "tokens"), [(25, 10**6), (10**6, 25 * TOKENS_OF_ONE + 6)])
def test_processes_and_threads_together_never_exceed_a_limit(redis_url, calls, tokens):
    seconds = 3 * WINDOW_S
    script = [sys.executable, str(Path(__file__).parent / "limiter_hammer.py"), redis_url]
    numbers = [str(number) for number in (calls, tokens, WINDOW_S, seconds)]
    processes = [
        subprocess.Popen([*script, *numbers], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    granted = sorted(tuple(map(int, line.split())) for output in outputs for line in output.splitlines())
    assert most_in_a_window(granted, WINDOW_S) == 25, "the limit is used, and never exceeded"
    assert len(granted) >= 50, "slots come back"


def test_a_window_slides(make_limiter):
    limiter = make_limiter(calls=2)
    assert isinstance(limiter.take({CALLS: 1}), Slot)
    time.sleep(WINDOW_S * 0.7)
    assert isinstance(limiter.take({CALLS: 1}), Slot)
    full = limiter.take({CALLS: 1})
    assert isinstance(full, Refusal)
    # The first call leaves the window, not both.
    assert 0 < full.wait_s < WINDOW_S * 0.4
    time.sleep(full.wait_s + 0.001)
    assert isinstance(limiter.take({CALLS: 1}), Slot)
    assert isinstance(limiter.take({CALLS: 1}), Refusal)


def test_either_every_counter_is_raised_or_none(make_limiter, redis_url):
    limiter = make_limiter(calls=10, tokens=100, window_s=60)
    assert isinstance(limiter.take({CALLS: 1, TOKENS: 60}), Slot)
    refused = limiter.take({CALLS: 1, TOKENS: 60})
    assert isinstance(refused, Refusal)
    assert (refused.limit, refused.wait_s > 58) == (TOKENS, True)
    assert isinstance(limiter.take({CALLS: 1, TOKENS: 40}), Slot)
    with redis.Redis.from_url(redis_url) as client:
        assert sum(map(int, client.hvals(key_of("tested", CALLS)))) == 2


def test_what_was_not_taken_is_given_back(make_limiter):
    limiter = make_limiter(calls=1, tokens=100, window_s=60)
    slot = limiter.take({CALLS: 1, TOKENS: 100})
    limiter.correct(slot, {})
    again = limiter.take({CALLS: 1, TOKENS: 100})
    assert isinstance(again, Slot)
    # The call was made with fewer tokens: the call counts, the tokens are free again.
    limiter.correct(again, {CALLS: 1, TOKENS: 10})
    refused = limiter.take({CALLS: 1, TOKENS: 90})
    assert isinstance(refused, Refusal)
    assert refused.limit == CALLS


def test_a_clock_that_is_set_back_frees_nothing_and_blocks_nobody_for_long(make_limiter, redis_url):
    limiter = make_limiter(calls=2)
    with redis.Redis.from_url(redis_url) as client:
        an_hour_later = int((time.time() + 3600) / (WINDOW_S / 60))
        client.hset(key_of("tested", CALLS), str(an_hour_later), 2)
    refused = limiter.take({CALLS: 1})
    assert isinstance(refused, Refusal)
    assert refused.wait_s <= WINDOW_S * 1.1
    time.sleep(refused.wait_s + 0.001)
    assert isinstance(limiter.take({CALLS: 1}), Slot)


def test_everybody_holds_off_when_one_was_refused(make_limiter):
    one, other = make_limiter(window_s=60), make_limiter(window_s=60)
    assert one.hold_off(0.3) == pytest.approx(0.3, abs=0.01)
    refused = other.take({CALLS: 1})
    assert isinstance(refused, Refusal)
    assert refused.limit == HOLD_OFF
    # A shorter wish does not shorten the pause.
    assert one.hold_off(0.05) > 0.2
    time.sleep(0.31)
    assert isinstance(other.take({CALLS: 1}), Slot)


def test_without_a_wish_the_pause_grows_with_refusals_in_a_row(make_limiter, redis_url, monkeypatch):
    monkeypatch.setattr("integrations.rate_limits.random.random", lambda: 1.0)
    limiter = make_limiter()
    with redis.Redis.from_url(redis_url) as client:
        pauses = []
        for _ in range(8):
            pauses.append(limiter.hold_off(None))
            # Refusals of calls that were under way belong to the same pause.
            assert limiter.hold_off(None) <= pauses[-1]
            client.delete(key_of("tested", HOLD_OFF))
        assert pauses == pytest.approx([2, 4, 8, 16, 32, 64, 120, 120], abs=0.01)
        limiter.answered()
        assert limiter.hold_off(None) == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("wish", [-5.0, 0.0, float("inf"), float("nan")])
def test_a_senseless_wish_counts_as_none(make_limiter, wish):
    assert 0 <= make_limiter().hold_off(wish) <= 2.01


def test_nobody_waits_for_more_than_a_day(make_limiter):
    assert make_limiter().hold_off(1e12) == pytest.approx(86_400, abs=1)


def test_alone_a_process_keeps_the_same_limit():
    limiter = LocalLimiter({CALLS: 5, TOKENS: 1000}, window_s=0.5)
    granted, end = [], time.monotonic() + 1.6

    def run():
        while time.monotonic() < end:
            before = time.monotonic_ns()
            if limiter.take({CALLS: 1, TOKENS: 1}) is None:
                granted.append((before, time.monotonic_ns()))
            time.sleep(0.001)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most_in_a_window(granted, 0.5) <= 5
    assert len(granted) >= 15
    limiter.hold_off(60.0)
    held = limiter.take({CALLS: 1})
    assert isinstance(held, Refusal)
    assert held.limit == HOLD_OFF
