"""One log event per request, a request id in every event and response, and the last resort for bugs."""

import re
import time
from urllib.parse import quote
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import unexpected
from core.telemetry import get_logger

log = get_logger(__name__)

HEADER = "X-Request-ID"
# The client went away before it got an answer; nginx writes it the same way.
CLIENT_CLOSED_REQUEST = 499

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestLog:
    """Middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and log how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        response = _Response(send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._serve(scope, receive, response)
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    path=quote(scope["path"]),
                    status=response.status or CLIENT_CLOSED_REQUEST,
                    duration_ms=round((time.perf_counter() - started) * 1000, 1),
                )

    async def _serve(self, scope: Scope, receive: Receive, response: "_Response") -> None:
        try:
            await self._app(scope, receive, response.send)
        except ClientDisconnect:
            log.debug("client_disconnected")
        except Exception:
            log.exception("request_failed")
            if response.status:
                # Half an answer is out; only the server can cut the connection, which tells the client.
                raise
            await unexpected(Request(scope))(scope, receive, response.send)


class _Response:
    """Sends an answer with the request id, and remembers its status: None until it started."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[HEADER] = self._request_id
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """The id the caller gave the request, if it is fit to be logged and sent back, else a new one."""
    given = Headers(scope=scope).get(HEADER, "")
    return given if _ACCEPTED_ID.fullmatch(given) else uuid4().hex
