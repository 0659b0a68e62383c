"""What goes back over the wire, whoever speaks."""

import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum
from typing import Any

from core.providers import Provider


class Delivery(StrEnum):
    """How a reply is handed over."""

    WHOLE = "whole"
    NEVER = "timeout"
    DRIP = "slow-drip"
    DRIP_HEADERS = "slow-headers"
    HALF = "half"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of one answer."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE


#: The faults that are a status; the name of each in Google's API.
_STATUSES: dict[str, tuple[int, str]] = {
    "429": (429, "RESOURCE_EXHAUSTED"),
    "429-date": (429, "RESOURCE_EXHAUSTED"),
    "429-bare": (429, "RESOURCE_EXHAUSTED"),
    "limit": (429, "RESOURCE_EXHAUSTED"),
    "500": (500, "INTERNAL"),
    "outage": (503, "UNAVAILABLE"),
    "401": (401, "UNAUTHENTICATED"),
    "403": (403, "PERMISSION_DENIED"),
    "key-invalid": (400, "INVALID_ARGUMENT"),
    "400": (400, "INVALID_ARGUMENT"),
    "404": (404, "NOT_FOUND"),
    "413": (413, "INVALID_ARGUMENT"),
}
#: Faults that come with status 200, whole, and yet tell nobody anything.
UNREADABLE = frozenset({"invalid-json", "wrong-shape", "huge"})
_HUGE_BYTES = 16 * 1024 * 1024


def json_reply(content: Any, fault: str = "ok") -> Reply:
    """An answer with status 200, or what the fault makes of it."""
    body = json.dumps(content).encode()
    if fault == "invalid-json":
        return Reply(b"<html><body>Bad gateway</body></html>")
    if fault == "wrong-shape":
        return Reply(b'{"content": {"a": 1}, "candidates": "none", "energy": []}')
    if fault == "huge":
        return Reply(b'{"content": [' + b" " * _HUGE_BYTES + b"]}")
    return Reply(body, delivery=Delivery(fault) if fault in set(Delivery) else Delivery.WHOLE)


def is_status(fault: str) -> bool:
    """Whether a fault is answered by a status alone."""
    return fault in _STATUSES


def status_reply(provider: Provider, fault: str, message: str = "", wait_s: float = 1.0) -> Reply:
    """An error as the provider words it. `wait_s` is the wish of a 429."""
    status, name = _STATUSES[fault]
    message = message or f"{name} (a scripted fault)"
    headers: dict[str, str] = {}
    details: list[dict[str, str]] = []
    if fault == "429-date":
        headers["Retry-After"] = formatdate(time.time() + max(wait_s, 1.0) + 1.0, usegmt=True)
    elif fault in {"429", "limit"} and provider is Provider.GEMINI:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait_s:.3f}s"})
    elif fault in {"429", "limit"}:
        headers["Retry-After"] = str(max(1, round(wait_s)))
    elif fault == "key-invalid":
        message = "API key not valid. Please pass a valid API key."
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"})
    if provider is Provider.GEMINI:
        error = {"code": status, "message": message, "status": name, "details": details}
        return Reply(json.dumps({"error": error}).encode(), status, headers)
    content = {"timestamp": formatdate(usegmt=True), "error": message, "status": status}
    return Reply(json.dumps(content).encode(), status, headers)
