"""One loopback port for both fakes, with control over the socket: half answers, resets, a byte at a time."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from integrations.fake_providers.engine import ControlError, FakeEngine, FakeOptions
from integrations.fake_providers.faults import FaultSpecError
from integrations.fake_providers.replies import UNREADABLE, Delivery, Reply

_MAX_REQUEST_BYTES = 16 * 1024 * 1024
_IDLE_S = 120.0
_DRIP_S = 0.05
# SO_LINGER with a time of zero makes close() send a reset.
_RESET = struct.pack("ii", 1, 0)


class FakeServer(ThreadingHTTPServer):
    """A thread for each connection. Stopping it cuts all connections, also those that wait for an answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, options: FakeOptions) -> None:
        self.engine = FakeEngine(options)
        self.stopping = threading.Event()
        self._open: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The base URL of both providers."""
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the game; anything else is a bug worth its traceback."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """End serving and cut every connection."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                _cut(connection)


class FakeProviders:
    """A running server with what tests ask of it."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.reccobeats_url = server.url
        self.gemini_url = server.url

    def control(self, **wishes: Any) -> dict[str, Any]:
        """As `POST /_control`."""
        return self._server.engine.control(json.dumps(wishes).encode())

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls received, oldest first."""
        return self._server.engine.log.as_json(since)

    def bodies(self) -> list[bytes]:
        """What was posted, where `keep_bodies` is on."""
        return list(self._server.engine.bodies)

    def summary(self) -> dict[str, Any]:
        """As `GET /_calls`: calls, totals by fault, busiest minute, tracks answered twice."""
        return self._server.engine.calls()


@contextmanager
def running_fakes(port: int = 0, **options: Any) -> Iterator[FakeProviders]:
    """Run the fakes in a thread; `options` are those of `FakeOptions`. Port 0 takes a free one."""
    server = FakeServer(port, FakeOptions(**options))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="fake-providers", daemon=True)
    thread.start()
    try:
        yield FakeProviders(server)
    finally:
        server.stop()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `GET /_calls` tells more."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_REQUEST_BYTES:
            self.close_connection = True
            self._deliver(_json({"error": "too large"}, 413))
            return
        body = self.rfile.read(length)
        if self._own_route(body):
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        handled = self.server.engine.handle(self.command, self.path, headers, body)
        if handled is None:
            self._deliver(_json({"error": f"no route {self.command} {urlsplit(self.path).path}"}, 404))
            return
        call, reply = handled
        is_whole = False
        try:
            is_whole = self._deliver(reply)
        finally:
            self.server.engine.log.end(call, answered=is_whole and reply.status == 200 and call.fault not in UNREADABLE)

    def _own_route(self, body: bytes) -> bool:
        """Answer `/_control`, `/_calls` and `/_health`."""
        parts = urlsplit(self.path)
        match (self.command, parts.path):
            case ("POST", "/_control"):
                try:
                    self._deliver(_json(self.server.engine.control(body)))
                except (ControlError, FaultSpecError) as error:
                    self._deliver(_json({"error": str(error)}, 400))
            case ("GET", "/_calls"):
                since = parse_qs(parts.query).get("since", ["0"])[0]
                self._deliver(_json(self.server.engine.calls(int(since) if since.isdecimal() else 0)))
            case ("GET", "/_health"):
                self._deliver(_json({"status": "ok"}))
            case _:
                return False
        return True

    # --- Delivery -----------------------------------------------------------------------------------------------------

    def _deliver(self, reply: Reply) -> bool:
        """Send the reply; whether all of it went out."""
        head = self._head(reply)
        match reply.delivery:
            case Delivery.WHOLE:
                self.wfile.write(head + reply.body)
                return True
            case Delivery.DRIP:
                self.wfile.write(head)
                return self._drip(reply.body)
            case Delivery.DRIP_HEADERS:
                return self._drip(head) and self._drip(reply.body)
            case Delivery.HALF:
                self.wfile.write(head + reply.body[: len(reply.body) // 2])
            case Delivery.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self.connection.close()
            case Delivery.NEVER:
                self._wait_for_hang_up()
        self.close_connection = True
        return False

    def _head(self, reply: Reply) -> bytes:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('Unknown',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _drip(self, content: bytes) -> bool:
        for index in range(len(content)):
            if self.server.stopping.wait(_DRIP_S):
                self.close_connection = True
                return False
            self.wfile.write(content[index : index + 1])
        return True

    def _wait_for_hang_up(self) -> None:
        self.connection.settimeout(0.2)
        deadline = time.monotonic() + 10 * _IDLE_S
        while not self.server.stopping.is_set() and time.monotonic() < deadline:
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue


def _json(content: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It ended by itself in the meantime.
        return
