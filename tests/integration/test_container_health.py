"""What the containers rely on, with real servers and processes: health checks and the arguments of the servers."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from core.settings import Settings, use_settings
from db.repositories import heartbeats
from integrations.embedded import embedded_servers
from integrations.embedded.binaries import installed_binaries
from workers.healthcheck import main

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = socket.gethostname()


def command_in(dockerfile: str, keyword: str) -> list[str]:
    """The exec form after HEALTHCHECK or CMD."""
    content = (REPOSITORY / "deploy" / "docker" / dockerfile).read_text(encoding="utf-8").replace("\\\n", " ")
    return json.loads(re.search(rf"^{keyword}.*?(\[.*\])$", content, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("worker", "queues", "age_s", "code", "words"),
    [
        (f"enrich@{HERE}:7", ["enrich"], 0, 0, "last sign of life 0 s ago"),
        (f"enrich@{HERE}:7", ["enrich"], 60, 1, "last sign of life 60 s ago"),
        (f"enrich@{HERE}:7", ["maintenance"], 0, 1, "no sign of life"),
        ("enrich@another-host:7", ["enrich"], 0, 1, "no sign of life"),
    ],
    ids=["fresh", "old", "another queue", "another host"],
)
def test_a_worker_is_healthy_while_its_own_heartbeat_is_fresh(
    settings, session, capsys, worker, queues, age_s, code, words
):
    heartbeats.beat(session, worker, queues, 7)
    session.execute(text("UPDATE worker_heartbeats SET beat_at = beat_at - :age * interval '1 s'"), {"age": age_s})
    session.commit()
    assert main(["enrich"]) == code
    assert words in capsys.readouterr().out


def test_a_worker_whose_database_is_away_is_not_healthy(settings, capsys):
    use_settings(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nowhere"}))
    assert main(["enrich"]) == 1
    assert "cannot tell" in capsys.readouterr().out


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path, for sockets, and open to the account that servers run as when root starts them."""
    path = Path(tempfile.mkdtemp(prefix="musicspace-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_beat_is_healthy_while_it_sends(folder):
    """A beat that hangs keeps its process and its connection, and is noticed all the same."""
    own_broker = Settings(data_dir=folder, database_url="postgresql://nowhere/x", redis_url=None)
    with embedded_servers(own_broker) as urls:
        environment = os.environ | {
            "MUSICSPACE_REDIS_URL": urls.redis_url,
            "MUSICSPACE_LEDGER__DISPATCH_INTERVAL_SECONDS": "0.5",
            "MUSICSPACE_WORKER__DEAD_AFTER_SECONDS": "1.5",
        }

        def healthy() -> bool:
            command = [sys.executable, "-m", "workers.healthcheck", "beat"]
            return subprocess.run(command, env=environment, capture_output=True).returncode == 0

        assert not healthy()
        beat = subprocess.Popen(
            [sys.executable, *command_in("beat.Dockerfile", "CMD")[1:]], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(healthy)
            beat.send_signal(signal.SIGSTOP)
            wait_until(lambda: not healthy())
            beat.send_signal(signal.SIGCONT)
            wait_until(healthy)
        finally:
            beat.kill()
            beat.wait()
        assert not healthy()


@pytest.mark.parametrize("dockerfile", ["api.Dockerfile", "flower.Dockerfile"])
def test_web_health_checks(dockerfile):
    """Success for an answer of 200 to the right path, failure for everything else."""
    answers = {"/healthz": 200, "/healthcheck": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _, option, code = command_in(dockerfile, "HEALTHCHECK")
        code = re.sub(r"(?<='127.0.0.1', )\d+", str(server.server_port), code)

        def exit_code() -> int:
            return subprocess.run([sys.executable, option, code], stderr=subprocess.DEVNULL).returncode

        assert exit_code() == 0
        answers.clear()
        assert exit_code() == 1
        server.shutdown()
    assert exit_code() == 1


def test_the_broker_accepts_its_arguments(folder):
    """The real program starts with them, and they mean what the ledger needs."""
    unix_socket = folder / "valkey.sock"
    command = [str(installed_binaries().valkey), *command_in("redis.Dockerfile", "CMD")[1:]]
    server = subprocess.Popen([*command, "--port", "0", "--unixsocket", str(unix_socket)], cwd=folder)
    try:
        wait_until(unix_socket.exists)
        with redis.Redis(unix_socket_path=str(unix_socket), decode_responses=True) as client:
            config = client.config_get("appendonly", "save", "maxmemory-policy")
        assert config == {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}
    finally:
        server.terminate()
        server.wait()


def test_the_database_knows_its_settings(session):
    command = command_in("postgres.Dockerfile", "CMD")
    named = {word.partition("=")[0] for option, word in pairwise(command) if option == "-c"}
    assert named
    assert named == set(
        session.scalars(text("SELECT name FROM pg_settings WHERE name = ANY(:named)"), {"named": [*named]})
    )


def wait_until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
