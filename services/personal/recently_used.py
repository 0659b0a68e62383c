"""Values that are dear to make, kept while they are used: the least recently used ones leave first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.errors import RetryableError

T = TypeVar("T")


class _Place(Generic[T]):
    """Where a value is, or will be when somebody has made it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: tuple[T, int] | None = None


class RecentlyUsed(Generic[T]):
    """Values by key, bounded by number and by bytes. For many threads: each value is made once, others wait for it."""

    def __init__(self, max_values: int, max_bytes: int, wait_seconds: float) -> None:
        self._max_values = max_values
        self._max_bytes = max_bytes
        self._wait_s = min(wait_seconds, threading.TIMEOUT_MAX)
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place[T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[T, int]]) -> T:
        """The value of a key; `make` gives it with its bytes where it is not there. What `make` raises, passes.

        Raises
        ------
        RetryableError
            `recommendations-busy`: another thread has been making it for long.
        """
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
        if place.made is not None:
            return place.made[0]
        if not place.lock.acquire(timeout=self._wait_s):
            raise RetryableError("recommendations-busy", "The models are still being loaded; try again soon.")
        try:
            if place.made is None:
                place.made = make()
                self._make_room()
            return place.made[0]
        finally:
            if place.made is None:
                self._forget(key, place)
            place.lock.release()

    def __len__(self) -> int:
        """How many values are kept."""
        return sum(place.made is not None for place in list(self._places.values()))

    def _forget(self, key: Hashable, place: _Place[T]) -> None:
        with self._lock:
            if self._places.get(key) is place:
                del self._places[key]

    def _make_room(self) -> None:
        """Forget the oldest until both bounds hold; the newest stays, however large it is."""
        with self._lock:
            made = [(key, place.made[1]) for key, place in self._places.items() if place.made is not None]
            count, size = len(made), sum(size for _, size in made)
            for key, own in made[:-1]:
                if count <= self._max_values and size <= self._max_bytes:
                    break
                del self._places[key]
                count, size = count - 1, size - own
