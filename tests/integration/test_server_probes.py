"""Probes of real servers, and of things that are none."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from integrations.embedded import ServerUrls
from integrations.probes import Health, probe_http, probe_postgres, probe_redis, without_password


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def web_port() -> Iterator[int]:
    """A web server that knows /healthz."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_healthy_servers_tell_their_versions(servers: ServerUrls) -> None:
    postgres, valkey = probe_postgres(servers.database_url), probe_redis(servers.redis_url)
    assert (postgres.health, valkey.health) == (Health.HEALTHY, Health.HEALTHY)
    assert postgres.detail.startswith("PostgreSQL ")
    assert valkey.detail.startswith(("Valkey ", "Redis "))


def test_nobody_there(closed_port: int) -> None:
    postgres = probe_postgres(f"postgresql://127.0.0.1:{closed_port}/x")
    valkey = probe_redis(f"redis://127.0.0.1:{closed_port}")
    web = probe_http(f"http://127.0.0.1:{closed_port}")
    assert (postgres.health, valkey.health, web.health) == (Health.UNHEALTHY, Health.UNHEALTHY, Health.STOPPED)
    assert "refused" in postgres.detail
    assert "\n" not in postgres.detail + valkey.detail


@pytest.mark.parametrize("scheme", ["postgresql", "redis", "http"])
def test_silence_is_bounded(silent_port: int, scheme: str) -> None:
    probe = {"postgresql": probe_postgres, "redis": probe_redis, "http": probe_http}[scheme]
    started = time.monotonic()
    assert probe(f"{scheme}://127.0.0.1:{silent_port}", timeout_s=0.5).health == Health.UNHEALTHY
    assert time.monotonic() - started < 5  # libpq waits for two seconds at least


def test_a_web_server_is_healthy_when_it_says_so(web_port: int) -> None:
    assert probe_http(f"http://127.0.0.1:{web_port}/healthz").health == Health.HEALTHY
    failing = probe_http(f"http://127.0.0.1:{web_port}/other")
    assert (failing.health, failing.detail) == (Health.UNHEALTHY, "HTTP 500")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db:5432/x?a=b", "postgresql://me:***@db:5432/x?a=b"),
        ("redis://:secret@cache:6379/0", "redis://:***@cache:6379/0"),
        ("redis://cache", "redis://cache"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
