"""Statuses and headers as typed errors."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import ConfigurationError, MusicSpaceError, PermanentError, RetryableError
from core.providers import Provider
from integrations.provider_errors import StatusError, from_status, readable, retry_after_s

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("99999999999", 86_400.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30.0),
        ("Fri, 01 Jan 2038 00:00:00 GMT", 86_400.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("nan", None),
        ("1e9", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def _google(code: int, *details: dict[str, Any]) -> bytes:
    return json.dumps({"error": {"code": code, "message": "m", "status": "S", "details": details}}).encode()


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (429, b"", RetryableError, "provider-rate-limited"),
        (500, b"<html>", RetryableError, "provider-unavailable"),
        (503, b"[]", RetryableError, "provider-unavailable"),
        (529, b"", RetryableError, "provider-unavailable"),
        (408, b"", RetryableError, "provider-unavailable"),
        (401, b"", ConfigurationError, "provider-key-refused"),
        (403, b"", ConfigurationError, "provider-key-refused"),
        (400, _google(400, BAD_KEY), ConfigurationError, "provider-key-refused"),
        (400, _google(400), PermanentError, "provider-refused"),
        (400, b'{"error": {"details": "none", "message": 5}}', PermanentError, "provider-refused"),
        (404, b"\xff\xfe", PermanentError, "provider-refused"),
        (302, b"", PermanentError, "provider-refused"),
        (204, b"", PermanentError, "provider-refused"),
    ],
)
def test_a_status_tells_what_to_do(status: int, body: bytes, expected: type[MusicSpaceError], code: str) -> None:
    error = from_status(Provider.GEMINI, StatusError(status, {}, body))
    assert isinstance(error, expected)
    assert error.code == code
    assert str(status) in error.message


def test_the_header_comes_before_the_wish_in_the_body() -> None:
    body = _google(429, RETRY_INFO)
    with_header = from_status(Provider.GEMINI, StatusError(429, {"retry-after": "3"}, body))
    without = from_status(Provider.GEMINI, StatusError(429, {}, body))
    odd_header = from_status(Provider.GEMINI, StatusError(429, {"retry-after": "soon"}, body))
    waits = [error.retry_after_s for error in (with_header, without, odd_header) if isinstance(error, RetryableError)]
    assert waits == [3.0, 17.0, 17.0]


def test_foreign_text_is_one_short_line_without_the_secret() -> None:
    assert readable("a\x1b[2Jb\n\u202ec", None) == "a [2Jb c"
    assert readable("key=S3CRET!", "S3CRET") == "key=***!"
    assert len(readable("x" * 10_000)) < 250
