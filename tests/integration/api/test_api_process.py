"""`python -m api.server` as a process: start-up errors in one line, logs, a quick and clean stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

LISTENING = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def environment(settings):
    """The variables of a process with this test's servers; any free port."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MUSICSPACE_")}
    return own | {
        "MUSICSPACE_DATABASE_URL": settings.database_url,
        "MUSICSPACE_REDIS_URL": settings.redis_url,
        "MUSICSPACE_API__KEY": "k",
        "MUSICSPACE_API__PORT": "0",
        "MUSICSPACE_LOG_JSON": "true",
    }


class Process:
    """A running API process whose log is read as it comes."""

    def __init__(self, environment):
        command = [sys.executable, "-m", "api.server"]
        self.popen = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.popen.stderr:
            self.lines.append(line)
            if "api_listening" in line:
                self.listening.set()

    @property
    def url(self):
        assert self.listening.wait(20), self.lines
        return next(found[0] for line in self.lines if (found := LISTENING.search(line)))

    def stop(self, number):
        """Seconds until it ended."""
        started = time.monotonic()
        self.popen.send_signal(number)
        self.popen.wait(timeout=20)
        self.reader.join(timeout=5)
        return time.monotonic() - started


@contextmanager
def started(environment):
    process = Process(environment)
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.wait()
        process.reader.join()


def refused(environment):
    result = subprocess.run(
        [sys.executable, "-m", "api.server"], env=environment, capture_output=True, text=True, timeout=60
    )
    [line] = result.stderr.splitlines()
    assert line.startswith("API not started [")
    return result.returncode, line


def test_it_serves_and_logs_one_event_per_request(environment):
    with started(environment) as process:
        response = httpx.get(f"{process.url}/healthz", headers={"X-Request-ID": "abc"})
        assert response.status_code == 200
        process.stop(signal.SIGTERM)
    events = [json.loads(line) for line in process.lines]
    [request] = [event for event in events if event["event"] == "request"]
    assert (request["path"], request["status"], request["request_id"]) == ("/healthz", 200, "abc")
    assert not [event for event in events if event["level"] in ("error", "critical")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quickly_although_a_stream_is_open(environment, make_job, number):
    job_id = make_job([1])
    with (
        started(environment) as process,
        httpx.stream("GET", f"{process.url}/api/jobs/{job_id}/events", timeout=10) as response,
    ):
        lines = response.iter_lines()
        assert next(lines) == "event: progress"
        assert process.stop(number) < 3
        assert "event: end" not in list(lines)
    assert process.popen.returncode in (0, -number)
    assert "Traceback" not in "".join(process.lines)


def test_an_outdated_schema_is_one_line(environment, empty_database_url):
    code, line = refused(environment | {"MUSICSPACE_DATABASE_URL": empty_database_url})
    assert code == 3
    assert "schema-outdated" in line
    assert "musicspace db upgrade" in line


def test_a_missing_key_is_one_line(environment):
    code, line = refused(environment | {"MUSICSPACE_API__KEY": ""})
    assert code == 3
    assert "MUSICSPACE_API__KEY" in line


def test_a_missing_database_is_one_line(environment, tmp_path):
    code, line = refused(environment | {"MUSICSPACE_DATABASE_URL": f"postgresql://u@/x?host={tmp_path}"})
    assert code == 4
    assert "database-unavailable" in line


def test_a_taken_port_is_one_line(environment):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, line = refused(environment | {"MUSICSPACE_API__PORT": str(taken.getsockname()[1])})
    assert code == 3
    assert "address-in-use" in line
