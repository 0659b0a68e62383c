"""Ask a server whether it works: one real request each, bounded in time, for `musicspace status` and `/readyz`."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import redis

TIMEOUT_S = 2.0
MIN_POSTGRES, MIN_REDIS = 15, 7


class Health(StrEnum):
    """What a probe found."""

    HEALTHY = "healthy"  #: It answered as it should.
    UNHEALTHY = "unhealthy"  #: It did not answer, or not as it should; the detail says how.
    STOPPED = "stopped"  #: Nothing listens there.


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of asking one server."""

    health: Health
    detail: str  #: Its name and version, or what went wrong.


def probe_postgres(url: str, timeout_s: float = TIMEOUT_S) -> Probe:
    """Run a statement, and compare the version with the oldest one supported."""
    statement_timeout = f"-c statement_timeout={round(timeout_s * 1000)}"
    try:
        with psycopg.connect(url, connect_timeout=max(2, round(timeout_s)), options=statement_timeout) as connection:
            connection.execute("SELECT 1")
            version = connection.info.server_version
    except psycopg.Error as error:
        return Probe(Health.UNHEALTHY, _first_line(error))
    shown = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    return _supported(shown, version // 10_000, MIN_POSTGRES)


def probe_redis(url: str, timeout_s: float = TIMEOUT_S) -> Probe:
    """Send PING, and compare the version with the oldest one supported; Valkey tells which Redis it equals."""
    try:
        with redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s) as client:
            client.ping()
            info = client.info("server")
    except (redis.RedisError, OSError) as error:
        return Probe(Health.UNHEALTHY, _first_line(error))
    valkey = info.get("valkey_version")
    version = str(info["redis_version"])
    return _supported(f"Valkey {valkey}" if valkey else f"Redis {version}", int(version.split(".")[0]), MIN_REDIS)


def probe_http(url: str, timeout_s: float = TIMEOUT_S) -> Probe:
    """Send GET and expect a success."""
    try:
        response = httpx.get(url, timeout=timeout_s)
    except httpx.ConnectError as error:
        return Probe(Health.STOPPED, _first_line(error))
    except httpx.HTTPError as error:
        return Probe(Health.UNHEALTHY, _first_line(error))
    return Probe(Health.HEALTHY if response.is_success else Health.UNHEALTHY, f"HTTP {response.status_code}")


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.split(':')[0]}:***@{host}"))


def _supported(shown: str, major: int, oldest: int) -> Probe:
    if major < oldest:
        return Probe(Health.UNHEALTHY, f"{shown} is too old: {oldest} or newer is needed")
    return Probe(Health.HEALTHY, shown)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
