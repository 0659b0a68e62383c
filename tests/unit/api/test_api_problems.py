"""Errors of routing, of bugs and of missing servers are problems, too; every answer carries the request id."""

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from api.problems import answer_with_problems
from api.request_log import RequestLog
from core.error_codes import ERROR_CODES
from core.errors import ConfigurationError, RetryableError

SECRET = "postgresql://user:secret@host/db"


@pytest.fixture
def broken_api():
    """An application whose endpoints fail in every way."""
    app = FastAPI()
    app.add_middleware(RequestLog)
    answer_with_problems(app)

    @app.get("/bug")
    def bug():
        raise ZeroDivisionError(SECRET)

    @app.get("/retryable")
    def retryable():
        raise RetryableError("broker-unavailable", "The broker is away.", retry_after_s=2.1)

    @app.get("/configuration")
    def configuration():
        raise ConfigurationError("artifact-missing", "There is no model.")

    @app.get("/half")
    def half():
        def body():
            yield "half an "
            raise ZeroDivisionError(SECRET)

        return StreamingResponse(body())

    return TestClient(app)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/none", 404, "not-found"),
        ("GET", "/api/노래", 404, "not-found"),
        ("DELETE", "/api/jobs", 405, "invalid-request"),
        ("GET", "/api/playlists/import", 405, "invalid-request"),
        ("GET", "/api/jobs", 503, "database-unavailable"),
    ],
)
def test_errors_are_problems(lone_client, method, path, status, code):
    response = lone_client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:musicspace:error:{code}"
    assert (problem["code"], problem["status"]) == (code, status)
    assert (problem["title"], problem["remedy"]) == (ERROR_CODES[code].meaning, ERROR_CODES[code].remedy)
    assert problem["instance"].isascii()
    assert problem["request_id"] == response.headers["x-request-id"]


def test_405_says_what_is_allowed(lone_client):
    assert lone_client.delete("/api/jobs").headers["allow"] == "GET"


def test_a_missing_server_is_a_503_with_a_pause(lone_client, broken_api):
    assert lone_client.get("/api/enrich-status").headers["retry-after"] == "5"
    assert broken_api.get("/retryable").headers["retry-after"] == "3"


def test_a_configuration_error_is_told(broken_api):
    problem = broken_api.get("/configuration").json()
    assert (problem["status"], problem["code"], problem["detail"]) == (500, "artifact-missing", "There is no model.")


def test_a_bug_is_logged_and_not_shown(broken_api):
    with structlog.testing.capture_logs() as events:
        response = broken_api.get("/bug")
    assert (response.status_code, response.json()["code"]) == (500, "unexpected")
    assert "secret" not in response.text
    assert [event["event"] for event in events] == ["request_failed", "request"]
    assert events[0]["exc_info"]


def test_half_an_answer_is_cut_off(broken_api):
    with structlog.testing.capture_logs() as events, pytest.raises(ZeroDivisionError):
        broken_api.get("/half")
    assert [event["event"] for event in events] == ["request_failed", "request"]


def test_each_request_is_one_event(lone_client):
    with structlog.testing.capture_logs() as events:
        lone_client.get("/healthz")
    [event] = events
    assert event.pop("duration_ms") >= 0
    assert event == {"event": "request", "log_level": "info", "method": "GET", "path": "/healthz", "status": 200}


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2:3_4", True), ("", False), ("x" * 129, False), ("a b", False), ("<b>", False)]
)
def test_a_request_id_is_accepted_or_made(lone_client, given, kept):
    returned = lone_client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (returned == given) is kept
    assert len(returned) > 0
