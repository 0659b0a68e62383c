"""Values that are kept while they are used."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import RetryableError
from services.personal.recently_used import RecentlyUsed


class Maker:
    """Makes the value of a key, and counts how often."""

    def __init__(self, size=1):
        self.size = size
        self.calls = []

    def of(self, key):
        def make():
            self.calls.append(key)
            return key.upper(), self.size

        return make


def test_a_value_is_made_once():
    kept, maker = RecentlyUsed(10, 100, 1), Maker()
    assert [kept.get("a", maker.of("a")) for _ in range(3)] == ["A"] * 3
    assert maker.calls == ["a"]


def test_the_least_recently_used_value_leaves_first():
    kept, maker = RecentlyUsed(2, 100, 1), Maker()
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, maker.of(key))
    assert maker.calls == ["a", "b", "c", "b"]
    assert len(kept) == 2


@pytest.mark.parametrize(("size", "left"), [(10, 3), (16, 1), (1000, 1)])
def test_bytes_are_bounded_but_the_newest_stays(size, left):
    kept, maker = RecentlyUsed(10, 30, 1), Maker(size)
    for key in "abcd":
        kept.get(key, maker.of(key))
    assert len(kept) == left
    assert kept.get("d", maker.of("d")) == "D"
    assert maker.calls == list("abcd")


def test_what_could_not_be_made_is_tried_again():
    kept, maker = RecentlyUsed(10, 100, 1), Maker()

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get("a", fail)
    assert len(kept) == 0
    assert kept.get("a", maker.of("a")) == "A"


def test_many_threads_share_one_making():
    kept, maker = RecentlyUsed(10, 100, 10), Maker()
    begun = threading.Event()

    def slowly():
        begun.wait(0.05)
        return maker.of("a")()

    with ThreadPoolExecutor(16) as pool:
        values = list(pool.map(lambda _: kept.get("a", slowly), range(64)))
    assert values == ["A"] * 64
    assert maker.calls == ["a"]


def test_waiting_for_another_thread_has_an_end():
    kept, maker = RecentlyUsed(10, 100, 0.05), Maker()
    begun, go_on = threading.Event(), threading.Event()

    def slowly():
        begun.set()
        assert go_on.wait(10)
        return maker.of("a")()

    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(kept.get, "a", slowly)
        assert begun.wait(10)
        with pytest.raises(RetryableError) as failed:
            kept.get("a", slowly)
        assert kept.get("b", maker.of("b")) == "B"
        go_on.set()
        assert making.result(10) == "A"
    assert failed.value.code == "recommendations-busy"
