"""Every call that the fakes received, for tests that count."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.providers import Provider


@dataclass
class Call:
    """One request to a provider."""

    provider: Provider
    route: str  #: "features", "tracks", "track-features", "analysis", "search" or "repair".
    tracks: list[str] = field(default_factory=list)  #: Spotify ids, or the keys "artist|title".
    fault: str = "ok"  #: What was done to it; "limit" where the fake's own limit refused it.
    status: int = 0
    answered: bool = False  #: A whole, readable answer with status 200 went out: the call is paid, the track is done.
    input_tokens: int = 0
    output_tokens: int = 0
    number: int = 0
    at: float = 0.0  #: Seconds since the epoch, on arrival.
    monotonic_s: float = 0.0  #: The same by a clock that is never set.
    seconds: float | None = None  #: Until the end; None while under way.


class CallLog:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._count = 0

    def begin(self, call: Call) -> None:
        """Number and date a call that has just arrived."""
        with self._lock:
            self._count += 1
            call.number, call.at, call.monotonic_s = self._count, time.time(), time.monotonic()
            self._calls.append(call)

    def end(self, call: Call, *, answered: bool) -> None:
        """Note how it went."""
        with self._lock:
            call.answered, call.seconds = answered, round(time.monotonic() - call.monotonic_s, 4)

    def recent(self, provider: Provider, seconds: float) -> list[Call]:
        """The calls of a provider within the last seconds that its limit let through, oldest first."""
        since = time.monotonic() - seconds
        with self._lock:
            found = []
            for call in reversed(self._calls):
                if call.monotonic_s < since:
                    break
                if call.provider is provider and call.fault != "limit":
                    found.append(call)
        return found[::-1]

    def clear(self) -> None:
        """Forget all calls; numbers go on."""
        with self._lock:
            self._calls.clear()

    def as_json(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls numbered above `since`."""
        with self._lock:
            return [asdict(call) for call in self._calls if call.number > since]


def busiest_window(calls: Sequence[dict[str, Any]], seconds: float = 60.0) -> int:
    """The most calls of `CallLog.as_json` in any window of so many seconds."""
    times = sorted(call["monotonic_s"] for call in calls)
    most = start = 0
    for end, moment in enumerate(times):
        while times[start] <= moment - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def answered_twice(calls: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Tracks that one provider was asked about and answered more than once, with the numbers of those calls."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for call in calls:
        if call["answered"]:
            for track in call["tracks"]:
                numbers[call["provider"], track].append(call["number"])
    return {f"{provider} {track}": found for (provider, track), found in numbers.items() if len(found) > 1}


def totals(calls: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Calls by provider and fault."""
    counts: dict[str, Counter[str]] = {str(provider): Counter() for provider in Provider}
    for call in calls:
        counts[call["provider"]][call["fault"]] += 1
    return {provider: dict(counter) for provider, counter in counts.items()}
