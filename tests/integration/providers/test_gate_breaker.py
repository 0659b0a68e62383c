"""The circuit breaker: opens after failures in a row, lets one probe through, doubles its pause."""

import threading
import time

import pytest

from integrations.circuit_breaker import Blocked, BreakerState, CircuitBreaker, Passage
from integrations.provider_live import read_live
from integrations.shared_redis import shared_redis

PAUSE_S = 0.15


@pytest.fixture
def make_breaker(redis_url):
    """Breakers as workers on several machines have them: of one provider, over one Redis."""

    def make(pause_s=PAUSE_S, longest_pause_s=60.0, probe_s=30.0):
        return CircuitBreaker(
            shared_redis(redis_url),
            "tested",
            failures=3,
            pause_s=pause_s,
            longest_pause_s=longest_pause_s,
            probe_s=probe_s,
        )

    return make


def open_(breaker):
    for _ in range(3):
        breaker.failed(breaker.enter())


def test_failures_in_a_row_open_it_for_everybody(make_breaker, redis_url):
    one, other = make_breaker(pause_s=60), make_breaker(pause_s=60)
    assert [one.failed(one.enter()) for _ in range(2)] == [None, None]
    assert read_live(redis_url, ["tested"])["tested"].failures_in_a_row == 2
    assert one.failed(one.enter()) == 60
    blocked = other.enter()
    assert isinstance(blocked, Blocked)
    assert blocked.state is BreakerState.OPEN
    assert 59 < blocked.wait_s <= 60
    assert read_live(redis_url, ["tested"])["tested"].next_probe_s == pytest.approx(60, abs=1)


def test_an_answer_in_between_begins_the_count_anew(make_breaker):
    breaker = make_breaker()
    for failed in (True, True, False, True, True):
        passage = breaker.enter()
        assert isinstance(passage, Passage)
        if failed:
            assert breaker.failed(passage) is None
        else:
            breaker.answered(passage)
    assert isinstance(breaker.enter(), Passage)


def test_half_open_lets_one_of_fifty_through(make_breaker, redis_url):
    open_(make_breaker())
    time.sleep(PAUSE_S + 0.01)
    assert read_live(redis_url, ["tested"])["tested"].breaker is BreakerState.HALF_OPEN
    found, start = [], threading.Barrier(50)

    def run():
        breaker = make_breaker()
        start.wait()
        found.append(breaker.enter())

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [probe] = [entry for entry in found if isinstance(entry, Passage)]
    assert {entry.state for entry in found if isinstance(entry, Blocked)} == {BreakerState.HALF_OPEN}
    make_breaker().answered(probe)
    assert make_breaker().enter() == Passage(None)


def test_each_probe_that_fails_doubles_the_pause_up_to_a_cap(make_breaker):
    breaker = make_breaker(pause_s=0.02, longest_pause_s=0.1)
    open_(breaker)
    pauses = []
    for _ in range(5):
        while not isinstance(passage := breaker.enter(), Passage):
            time.sleep(passage.wait_s + 0.001)
        pauses.append(breaker.failed(passage))
    assert pauses == [0.04, 0.08, 0.1, 0.1, 0.1]


def test_answers_and_failures_of_calls_from_before_change_nothing(make_breaker):
    breaker = make_breaker(pause_s=60)
    late = breaker.enter()
    open_(breaker)
    breaker.answered(late)
    assert isinstance(breaker.enter(), Blocked)
    assert breaker.failed(late) is None
    blocked = breaker.enter()
    assert isinstance(blocked, Blocked)
    assert blocked.wait_s <= 60


def test_a_probe_that_was_not_made_or_whose_worker_died_is_replaced(make_breaker):
    breaker = make_breaker(probe_s=0.1)
    open_(breaker)
    time.sleep(PAUSE_S + 0.01)
    first = breaker.enter()
    breaker.left(first)
    dead = breaker.enter()
    assert isinstance(dead, Passage)
    assert isinstance(breaker.enter(), Blocked)
    time.sleep(0.11)
    third = breaker.enter()
    assert isinstance(third, Passage)
    # The verdict of one that was given up does not count.
    breaker.answered(dead)
    assert isinstance(breaker.enter(), Blocked)
    breaker.answered(third)
    assert breaker.enter() == Passage(None)
