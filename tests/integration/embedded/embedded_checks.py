"""What the tests of the embedded servers look at: processes, and data in both servers."""

import subprocess
from collections.abc import Callable
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
    _, left = psutil.wait_procs([psutil.Process(n) for n in numbers if psutil.pid_exists(n)], timeout=timeout_s)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in left)


def write(urls: ServerUrls, value: str) -> None:
    """Commit a value to both servers."""
    with psycopg.connect(urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])
    with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        client.rpush("kept", value)


def read(urls: ServerUrls) -> tuple[list[str], list[str]]:
    """What both servers have, in the order it was written."""
    with psycopg.connect(urls.database_url) as connection:
        rows = [row[0] for row in connection.execute("SELECT value FROM kept").fetchall()]
    with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        return rows, client.lrange("kept", 0, -1)
