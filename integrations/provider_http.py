"""HTTP with providers that may misbehave: calls end within a deadline, answers are JSON objects of bounded size."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from typing import Any, TypeVar

import httpx

from core.errors import MusicSpaceError
from core.providers import Provider
from integrations.provider_errors import BrokenAnswerError, StatusError, broken, from_status, readable, unavailable

T = TypeVar("T")

MAX_ANSWER_BYTES = 4 * 1024 * 1024
# What the event loop may need beyond the deadline to notice that it has passed.
_GRACE_S = 5.0
# The body is handed on decoded and whole, so what the header says about its transfer no longer holds.
_TRANSFER_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class BoundedClient(httpx.AsyncClient):
    """A client that reads whole answers, up to `MAX_ANSWER_BYTES`, and takes nothing but JSON objects for an answer.

    Raises
    ------
    StatusError
        Any status but 200.
    BrokenAnswerError
        The body broke off, is too large, or is no JSON object.
    """

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await super().send(request, **{**options, "stream": True})
        try:
            body = await _body(response)
        except (httpx.TransportError, httpx.DecodingError) as error:
            if response.status_code == httpx.codes.OK:
                raise BrokenAnswerError(f"it broke off ({type(error).__name__})") from error
            # The status tells enough.
            body = b""
        finally:
            await response.aclose()
        if response.status_code != httpx.codes.OK:
            raise StatusError(response.status_code, dict(response.headers), body)
        _require_object(body)
        headers = [item for item in response.headers.multi_items() if item[0] not in _TRANSFER_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)


class ProviderHttp:
    """Calls to one provider, from any thread, as typed errors of ours.

    Time-outs of HTTP libraries count from one read to the next, so an answer that drips in would last for ever; only
    an event loop can end a call at any point. It runs in a thread of its own, which starts with the first call, so the
    object may be made before a process forks but not used before.

    Parameters
    ----------
    provider : whose answers these are
    timeout_s : longest time of one call, in seconds, from connecting to the last byte
    secret : what no message may contain
    """

    def __init__(self, provider: Provider, timeout_s: float, secret: str | None = None) -> None:
        self._provider = provider
        self._timeout_s = timeout_s
        self._secret = secret
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread, BoundedClient] | None = None
        self._closed = False

    def run(self, call: Callable[[BoundedClient], Awaitable[T]]) -> T:
        """Make one call. Its trouble is raised as `RetryableError`, `PermanentError` or `ConfigurationError`.

        The error carries neither cause nor context: those of HTTP libraries hold the request with its headers.
        """
        loop, client = self._start()
        future = asyncio.run_coroutine_threadsafe(self._attempt(call, client), loop)
        outcome: T | MusicSpaceError
        try:
            outcome = future.result(self._timeout_s + _GRACE_S)
        except (TimeoutError, CancelledError):
            outcome = unavailable(self._provider, "was given up, as the client is closing or stuck")
        finally:
            # Also where the waiting thread itself was interrupted: nobody would look at the answer.
            future.cancel()
        if isinstance(outcome, MusicSpaceError):
            raise outcome
        return outcome

    @property
    def client(self) -> BoundedClient:
        """What the calls are made with, for libraries that want a client of their own."""
        return self._start()[1]

    def close(self) -> None:
        """Close connections and end the thread; calls under way fail."""
        with self._lock:
            running, self._running, self._closed = self._running, None, True
        if running is None:
            return
        loop, thread, client = running
        asyncio.run_coroutine_threadsafe(_end_calls(client), loop).result(_GRACE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_GRACE_S)
        loop.close()

    def _start(self) -> tuple[asyncio.AbstractEventLoop, BoundedClient]:
        with self._lock:
            if self._closed:
                raise unavailable(self._provider, "cannot be asked any more: the client is closed")
            if self._running is None:
                loop = asyncio.new_event_loop()
                # The deadline of the whole call stands for all the partial ones.
                client = BoundedClient(timeout=None)
                thread = threading.Thread(target=loop.run_forever, name=f"{self._provider}-http", daemon=True)
                thread.start()
                self._running = (loop, thread, client)
            return self._running[0], self._running[2]

    async def _attempt(
        self, call: Callable[[BoundedClient], Awaitable[T]], client: BoundedClient
    ) -> T | MusicSpaceError:
        """The outcome, or the error to raise: raised from here, it would carry what it was made of."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call(client)
        except TimeoutError:
            return unavailable(self._provider, f"did not answer within {self._timeout_s:g} s")
        except StatusError as error:
            return from_status(self._provider, error, self._secret)
        except BrokenAnswerError as error:
            return broken(self._provider, readable(str(error), self._secret))
        except httpx.TransportError as error:
            unbilled = isinstance(error, _NEVER_SENT)
            return unavailable(self._provider, f"cannot be reached ({type(error).__name__})", unbilled=unbilled)


# The request did not leave this machine.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


async def _body(response: httpx.Response) -> bytes:
    chunks = bytearray()
    async for chunk in response.aiter_bytes():
        chunks += chunk
        if len(chunks) > MAX_ANSWER_BYTES:
            raise BrokenAnswerError(f"it is larger than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(chunks)


def _require_object(body: bytes) -> None:
    try:
        found = json.loads(body)
    # Deep nesting ends in a RecursionError.
    except (ValueError, RecursionError):
        raise BrokenAnswerError("it is not JSON") from None
    if not isinstance(found, dict):
        raise BrokenAnswerError("it is not a JSON object")


async def _end_calls(client: BoundedClient) -> None:
    current = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not current:
            task.cancel()
    await client.aclose()
