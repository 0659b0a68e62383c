"""The state behind the fakes' port: which fault is next, what is refused, what was asked."""

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.providers import Provider
from integrations.fake_providers.call_log import Call, CallLog, answered_twice, busiest_window, totals
from integrations.fake_providers.faults import FaultSpecError, parse_faults
from integrations.fake_providers.gemini import FakeGemini
from integrations.fake_providers.reccobeats import FakeReccoBeats
from integrations.fake_providers.replies import Reply, status_reply
from integrations.fake_providers.truth import Knowledge

_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """How the fakes behave.

    `per_minute` is the limit that they hold by themselves, for each provider; `accepted_key` the only key that Gemini
    takes, any where None; `latency_ms` the mean time of an answer. `keep_bodies` keeps what was posted, for tests.
    """

    faults: str = ""
    seed: int = 0
    unknown: float = 0.0
    latency_ms: float = 0.0
    per_minute: int | None = None
    truth: Path | None = None
    accepted_key: str | None = None
    keep_bodies: bool = False


class ControlError(ValueError):
    """A control request that cannot be understood."""


class FakeEngine:
    """Both providers. Thread-safe."""

    def __init__(self, options: FakeOptions) -> None:
        knowledge = Knowledge(options.truth, unknown_share=options.unknown, seed=options.seed)
        self.log = CallLog()
        self._options = options
        self._reccobeats = FakeReccoBeats(knowledge, options.seed)
        self._gemini = FakeGemini(knowledge, options.accepted_key)
        self._scripts = parse_faults(options.faults, options.seed)
        self._outage = dict.fromkeys(Provider, False)
        self._latency_ms = options.latency_ms
        self._per_minute = options.per_minute
        self._lock = threading.Lock()
        self.bodies: list[bytes] = []

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Call, Reply] | None:
        """The call and its reply; None where no provider has such a route. The caller ends the call in the log."""
        call = self._gemini.call(method, path, body) or self._reccobeats.call(method, path)
        if call is None:
            return None
        with self._lock:
            wait_s = self._admit(call)
            if self._options.keep_bodies and body:
                self.bodies.append(body)
        if self._latency_ms and call.fault != "limit":
            time.sleep(random.expovariate(1.0) * self._latency_ms / 1000)
        if wait_s is not None:
            reply = self._limited(call, wait_s)
        elif call.provider is Provider.GEMINI:
            reply = self._gemini.reply(call, path, headers.get("x-goog-api-key", ""), body)
        else:
            reply = self._reccobeats.reply(call, headers.get("content-type", ""), body)
        call.status = reply.status
        return call, reply

    def control(self, body: bytes) -> dict[str, Any]:
        """Change the behaviour of what comes next; returns the state after it.

        Keys, all optional: `faults` (a script), `outage` (by provider: true or false), `latency_ms`, `per_minute`
        (null: none), `clear_calls` (true: forget those received).
        """
        try:
            wishes = json.loads(body or b"{}")
            if not isinstance(wishes, dict) or wishes.keys() - _CONTROLS:
                raise ControlError(f"expected an object with the keys {', '.join(sorted(_CONTROLS))}")
            scripts = parse_faults(wishes["faults"], self._options.seed) if "faults" in wishes else None
            outage = {Provider(name): bool(value) for name, value in wishes.get("outage", {}).items()}
        except (FaultSpecError, ControlError):
            raise
        except (ValueError, AttributeError) as error:
            raise ControlError(f"not understood: {error}") from error
        with self._lock:
            self._scripts = scripts or self._scripts
            self._outage |= outage
            self._latency_ms = float(wishes.get("latency_ms", self._latency_ms))
            self._per_minute = wishes.get("per_minute", self._per_minute)
            state = {"outage": dict(self._outage), "latency_ms": self._latency_ms, "per_minute": self._per_minute}
        if wishes.get("clear_calls"):
            self.log.clear()
        return state

    def calls(self, since: int = 0) -> dict[str, Any]:
        """All calls numbered above `since`, and what they come to."""
        calls = self.log.as_json(since)
        busiest = {
            str(provider): busiest_window([call for call in calls if call["provider"] == provider], _WINDOW_S)
            for provider in Provider
        }
        return {
            "calls": calls,
            "totals": totals(calls),
            "busiest_minute": busiest,
            "answered_twice": answered_twice(calls),
        }

    def _admit(self, call: Call) -> float | None:
        """Log the call with its fault; the seconds to wait where the limit refuses it."""
        wait_s = None
        if self._per_minute is not None:
            recent = self.log.recent(call.provider, _WINDOW_S)
            if len(recent) >= self._per_minute:
                wait_s = max(0.0, recent[-self._per_minute].monotonic_s + _WINDOW_S - time.monotonic())
        call.fault = "limit" if wait_s is not None else self._next_fault(call.provider)
        self.log.begin(call)
        return wait_s

    def _next_fault(self, provider: Provider) -> str:
        if not self._outage[provider]:
            fault = self._scripts[provider].next()
            self._outage[provider] = fault == "outage"
            return fault
        return "outage"

    def _limited(self, call: Call, wait_s: float) -> Reply:
        return status_reply(call.provider, "limit", f"more than {self._per_minute} calls in a minute", wait_s)


_CONTROLS = {"faults", "outage", "latency_ms", "per_minute", "clear_calls"}
