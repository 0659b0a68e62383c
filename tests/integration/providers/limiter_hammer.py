"""A process that takes slots as fast as it can. Prints when each was granted: between its two times, in nanoseconds.

Usage: limiter_hammer.py REDIS_URL CALLS_LIMIT TOKENS_LIMIT WINDOW_S SECONDS
"""

import sys
import threading
import time

from integrations.rate_limits import CALLS, TOKENS, RateLimiter, Slot
from integrations.shared_redis import shared_redis

TOKENS_OF_ONE = 7


def hammer(url: str, calls: int, tokens: int, window_s: float, seconds: float) -> list[tuple[int, int]]:
    """Grants of four threads, each between two readings of the machine's clock."""
    limiter = RateLimiter(shared_redis(url), "hammered", {CALLS: calls, TOKENS: tokens}, window_s)
    granted: list[tuple[int, int]] = []
    end = time.monotonic() + seconds

    def run() -> None:
        while time.monotonic() < end:
            before = time.monotonic_ns()
            if isinstance(limiter.take({CALLS: 1, TOKENS: TOKENS_OF_ONE}), Slot):
                granted.append((before, time.monotonic_ns()))
            else:
                time.sleep(0.003)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return granted


if __name__ == "__main__":
    url, calls, tokens, window_s, seconds = sys.argv[1:]
    for before, after in hammer(url, int(calls), int(tokens), float(window_s), float(seconds)):
        print(before, after)
