"""What the trouble of a provider means: HTTP statuses and broken answers as typed errors."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError, MusicSpaceError, PermanentError, RetryableError
from core.provider_failures import UnbilledError
from core.providers import Provider

#: Nobody is waited for longer than a day, whatever Retry-After says.
LONGEST_RETRY_AFTER_S = 86_400.0
_LONGEST_DETAIL = 200
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s?")

NAMES: dict[Provider, str] = {Provider.RECCOBEATS: "ReccoBeats", Provider.GEMINI: "Gemini"}


class BrokenAnswerError(Exception):
    """An answer broke off, is too large, or is not in the provider's own format. The message says which."""


@dataclass
class StatusError(Exception):
    """The provider answered with another status than 200."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"HTTP status {self.status}"


def broken(provider: Provider, what: str) -> RetryableError:
    """The typed error for an answer that cannot be read."""
    return RetryableError("provider-answer-broken", f"The answer of {NAMES[provider]} cannot be read: {what}.")


def unavailable(
    provider: Provider, what: str, retry_after_s: float | None = None, *, unbilled: bool = False
) -> RetryableError:
    """The typed error for a provider that did not answer."""
    kind = UnbilledError if unbilled else RetryableError
    return kind("provider-unavailable", f"{NAMES[provider]} {what}.", retry_after_s)


def from_status(provider: Provider, error: StatusError, secret: str | None = None) -> MusicSpaceError:
    """The typed error for a status other than 200. `secret` is kept out of its message."""
    details = _details(error.body)
    said = f"{_status_text(error.status)}{_said(details, secret)}"
    name = NAMES[provider]
    retry_after_s = _retry_after_s(error.headers, details)
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RetryableError("provider-rate-limited", f"{name} is asked too often ({said}).", retry_after_s)
    if error.status >= 500 or error.status == HTTPStatus.REQUEST_TIMEOUT:
        # A gateway that lost patience says nothing about the work behind it.
        unbilled = error.status not in {HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.REQUEST_TIMEOUT}
        return unavailable(provider, f"is in trouble ({said})", retry_after_s, unbilled=unbilled)
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or _is_about_key(details):
        reason = "does not accept the key" if secret else "lets nobody in"
        return ConfigurationError("provider-key-refused", f"{name} {reason} ({said}).")
    return PermanentError(
        "provider-refused",
        f"{name} refuses the request ({said}); check MUSICSPACE_{provider.upper()}__BASE_URL"
        f"{' and MUSICSPACE_GEMINI__MODEL' if provider is Provider.GEMINI else ''}.",
    )


def checked_base_url(provider: Provider, url: str) -> str:
    """The URL without a slash at its end; `ConfigurationError` where it is none that HTTP could ask."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not url.isprintable():
        setting = f"MUSICSPACE_{provider.upper()}__BASE_URL"
        raise ConfigurationError("invalid-settings", f"{setting} must be a URL such as https://api.example.org.")
    return url.rstrip("/")


def retry_after_s(value: str, now: datetime | None = None) -> float | None:
    """The seconds that a Retry-After header asks to wait (a number or an HTTP date); None where it is neither."""
    value = value.strip()
    if match := _SECONDS.fullmatch(value):
        return min(float(match[1]), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait_s = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S) if math.isfinite(wait_s) else None


def readable(text: str, secret: str | None = None) -> str:
    """Foreign text for a message or a log: one line, printable, short, and without the secret."""
    if secret:
        text = text.replace(secret, "***")
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _details(body: bytes) -> dict[str, Any]:
    """The error object of the body, in Google's wrapping or without; empty where there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        return {}
    inner = found.get("error")
    return inner if isinstance(inner, dict) else found


def _said(details: Mapping[str, Any], secret: str | None) -> str:
    words = next((details[key] for key in ("message", "error") if isinstance(details.get(key), str)), "")
    return f": {readable(words, secret)}" if words else ""


def _rpc_details(details: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = details.get("details")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _is_about_key(details: Mapping[str, Any]) -> bool:
    """Google answers 400 to a key that does not exist, with a reason that says so."""
    return any(str(entry.get("reason", "")).startswith("API_KEY_") for entry in _rpc_details(details))


def _retry_after_s(headers: Mapping[str, str], details: Mapping[str, Any]) -> float | None:
    """From the header, else from Google's RetryInfo, whose delay reads "17s"."""
    header = headers.get("retry-after")
    if header is not None and (wait_s := retry_after_s(header)) is not None:
        return wait_s
    for entry in _rpc_details(details):
        if isinstance(delay := entry.get("retryDelay"), str) and (match := _SECONDS.fullmatch(delay.strip())):
            return min(float(match[1]), LONGEST_RETRY_AFTER_S)
    return None
