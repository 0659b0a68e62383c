"""The same limits within this process alone: for free providers, while nobody can count together."""

import random
import threading
import time
from collections import deque
from collections.abc import Mapping
from functools import lru_cache

from integrations.rate_limits import HOLD_OFF, WINDOW_S, Refusal

_PAUSE_S = 10.0
_LONGEST_WISH_S = 86_400.0


class LocalLimiter:
    """A sliding window over the calls of this process. Safe to use from several threads."""

    def __init__(self, limits: Mapping[str, int], window_s: float = WINDOW_S) -> None:
        self._limits = dict(limits)
        self._window_s = window_s
        self._taken: dict[str, deque[tuple[float, int]]] = {name: deque() for name in limits}
        self._held_until = 0.0
        self._lock = threading.Lock()
        self._announced = False

    def take(self, amounts: Mapping[str, int]) -> Refusal | None:
        """Count a call if every limit allows it; else say when it would fit."""
        with self._lock:
            now = time.monotonic()
            if self._held_until > now:
                return Refusal(HOLD_OFF, self._held_until - now)
            waits = {name: self._wait(name, amounts.get(name, 0), now) for name in self._limits}
            tightest = max(waits, key=lambda name: waits[name])
            if waits[tightest] > 0:
                return Refusal(tightest, waits[tightest])
            for name, taken in self._taken.items():
                taken.append((now, amounts.get(name, 0)))
            return None

    def hold_off(self, wish_s: float | None) -> None:
        """Call nobody until the provider's wish is fulfilled, or for a while that is drawn where it has none."""
        wish = wish_s if wish_s is not None and wish_s > 0 else random.uniform(0, _PAUSE_S)
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + min(wish, _LONGEST_WISH_S))

    def begin_outage(self) -> bool:
        """Whether this is the first call since Redis went away, which is the one to warn of."""
        with self._lock:
            first, self._announced = not self._announced, True
            return first

    def end_outage(self) -> None:
        """Redis answers again."""
        self._announced = False

    def _wait(self, name: str, amount: int, now: float) -> float:
        taken = self._taken[name]
        while taken and taken[0][0] <= now - self._window_s:
            taken.popleft()
        excess = sum(n for _, n in taken) + amount - self._limits[name]
        if excess <= 0:
            return 0.0
        for then, n in taken:
            excess -= n
            if excess <= 0:
                return then + self._window_s - now
        return self._window_s


@lru_cache(maxsize=64)
def local_limiter(provider: str, redis_url: str, limits: tuple[tuple[str, int], ...], window_s: float) -> LocalLimiter:
    """The limiter of this process for a provider, the same one for all who ask for it."""
    return LocalLimiter(dict(limits), window_s)
