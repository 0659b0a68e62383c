"""What the tests of the embedded servers look at: processes, and data in both servers."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis

from core.settings import Settings
from integrations.embedded import EmbeddedServers, ServerUrls

StartUser = Callable[[Path], "subprocess.Popen[str]"]


def pids(settings: Settings) -> list[int]:
    """The servers that run, Postgres first."""
    return [status.pid for status in EmbeddedServers(settings).status() if status.pid is not None]


def wait_ready(user: "subprocess.Popen[str]") -> None:
    assert user.stdout is not None
    assert user.stdout.readline() == "ready\n"


def gone(numbers: list[int], timeout_s: float = 5.0) -> bool:
    """Whether all of these processes end in time; a zombie has ended."""
    deadline = time.monotonic() + timeout_s
    while any(alive(number) for number in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_all(settings: Settings) -> None:
    """Kill the servers, as a machine that goes down does."""
    numbers = pids(settings)
    for number in numbers:
        os.kill(number, signal.SIGKILL)
    assert gone(numbers)


@dataclass(frozen=True, slots=True)
class Kept:
    """Values under one name in both servers."""

    name: str

    def write(self, urls: ServerUrls, value: str) -> None:
        """Commit a value to both."""
        with psycopg.connect(urls.database_url) as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {self.name} (value text)")
            connection.execute(f"INSERT INTO {self.name} VALUES (%s)", [value])
        with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
            client.rpush(self.name, value)

    def read(self, urls: ServerUrls) -> tuple[list[str], list[str]]:
        """What both have, in the order it was written."""
        with psycopg.connect(urls.database_url) as connection:
            rows = [row[0] for row in connection.execute(f"SELECT value FROM {self.name}").fetchall()]
        with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
            return rows, client.lrange(self.name, 0, -1)
