"""The limit on request bodies: what is announced is checked at once, what arrives is counted."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from core.errors import PermanentError


class BodyLimit:
    """Middleware that answers 413 (`file-too-large`) to a body of more than `max_bytes` bytes."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._max_bytes:
            error = self._too_large()
            await problem_response(Request(scope), error.code, error.message)(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        return counting

    def _too_large(self) -> PermanentError:
        limit = f"{self._max_bytes} bytes (MUSICSPACE_IMPORTS__MAX_BYTES)"
        return PermanentError("file-too-large", f"The request body is larger than {limit}; split it.")


def _announced(scope: Scope) -> int:
    """The length the client announces, 0 where it does not or cannot be read: then the bytes are counted."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0
