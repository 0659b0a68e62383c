"""An API that listens on a port, for tests in which the network matters."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from api.server import Server, listen, server_of

KEY = "열쇠-for-the-tests"
KEY_HEADERS = {"X-API-Key": KEY.encode()}


@dataclass(frozen=True, slots=True)
class RunningApi:
    """A server in a thread of this process."""

    url: str
    server: Server
    thread: threading.Thread

    @property
    def n_connections(self) -> int:
        return len(self.server.server_state.connections)

    @property
    def n_requests(self) -> int:
        """Requests that are being served."""
        return len(self.server.server_state.tasks)

    def stop(self, within_s: float) -> None:
        """What a signal does, and fail unless the server ends in time."""
        self.server.should_exit = True
        self.thread.join(timeout=within_s)
        assert not self.thread.is_alive(), f"the server runs on after {within_s} s"


@contextmanager
def running(api: FastAPI) -> Iterator[RunningApi]:
    """Serve on a free port for the block."""
    listener = listen("127.0.0.1", 0)
    server = server_of(api)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    served = RunningApi(f"http://127.0.0.1:{listener.getsockname()[1]}", server, thread)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield served
    finally:
        served.stop(within_s=15)


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Poll until the condition holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
