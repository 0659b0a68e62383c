"""Work side by side in threads: results in order, and nothing new begins once something went wrong."""

import os
import signal
import threading
import time

import pytest

from core.side_by_side import side_by_side


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.side_by_side.os.cpu_count", lambda: 4)


def test_results_come_in_the_order_of_the_items() -> None:
    later_one_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert later_one_done.wait(10)
        later_one_done.set()
        return item * 10

    done: list[int] = []
    assert side_by_side(work, iter(range(5)), done.append) == [0, 10, 20, 30, 40]
    assert done == [1, 2, 3, 4, 5]
    assert side_by_side(work, []) == []


@pytest.mark.parametrize(("most", "expected"), [(None, 4), (2, 2), (9, 4)])
def test_as_many_work_at_once_as_there_are_cores_or_as_allowed(most: int | None, expected: int) -> None:
    at_once = threading.Barrier(expected)

    def work(item: int) -> int:
        at_once.wait(10)
        return threading.get_ident()

    # Fewer threads would wait for ever, more would be seen.
    assert len(set(side_by_side(work, range(5 * expected), most_threads=most))) == expected


def test_progress_is_told_from_the_calling_thread() -> None:
    tellers = set()
    side_by_side(str, range(3), lambda done: tellers.add(threading.current_thread()))
    assert tellers == {threading.current_thread()}


def test_the_first_failure_in_order_is_raised_and_the_rest_is_not_begun() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        time.sleep(0.02)
        if item in {1, 2}:
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 1"):
        side_by_side(work, range(1_000))
    assert len(begun) < 100
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("side-by-side")]


def test_ctrl_c_ends_it_with_the_items_under_way() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        time.sleep(0.02)
        if item == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(1_000))
    assert len(begun) < 100
