"""Pieces of one piece of work, side by side in threads: for work that leaves Python's lock, as NumPy and trees do."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    work: Callable[[T], R],
    items: Iterable[T],
    on_done: Callable[[int], None] = lambda done: None,
    most_threads: int | None = None,
) -> list[R]:
    """What `work` makes of each item, in their order; as many at a time as there are cores.

    Parameters
    ----------
    work
        Safe to call from several threads at once.
    items
        All are taken before the first result is.
    on_done
        Called from the calling thread with 1, 2, ... as results come, in their order.
    most_threads
        At most so many at a time.

    Raises
    ------
    Exception
        What `work` raises for the first item that fails, or `on_done`. Like Ctrl-C, it comes when the items that are
        under way are done; the others are not begun.
    """
    threads = min(most_threads or os.cpu_count() or 1, os.cpu_count() or 1)
    results = []
    with ThreadPoolExecutor(threads, thread_name_prefix="side-by-side") as pool:
        try:
            for result in pool.map(work, items):
                results.append(result)
                on_done(len(results))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return results
