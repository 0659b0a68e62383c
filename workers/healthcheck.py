"""Is the process of this container alive and at work? `python -m workers.healthcheck enrich`, or `beat`.

Exit code 0 when healthy, else 1; one line says why. A worker is asked for by its queue: it beats into Postgres.
Beat leaves no trace of its own, so the broker is asked when beat last sent something. Both look at this host alone,
so that one replica does not vouch for another.
"""

import argparse
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from core.errors import MusicSpaceError
from core.settings import Settings, get_settings
from db.engine import open_session
from db.repositories.heartbeats import read_heartbeats
from tasks.queues import Queue

BEAT = "beat"
TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a process has given no sign of life, and from when on that is too long."""

    seconds: float | None  #: None when it has given none at all.
    limit_s: float

    @property
    def healthy(self) -> bool:
        return self.seconds is not None and self.seconds <= self.limit_s

    def __str__(self) -> str:
        if self.seconds is None:
            return "no sign of life"
        return f"last sign of life {self.seconds:.0f} s ago, at most {self.limit_s:.0f} s are healthy"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one process; the exit code."""
    name = parse(arguments)
    try:
        settings = get_settings()
        silence = (
            beat_silence(settings) if name == BEAT else worker_silence(settings, Queue(name), socket.gethostname())
        )
    except (MusicSpaceError, redis.RedisError) as error:
        sys.stdout.write(f"{name}: cannot tell: {error}\n")
        return 1
    sys.stdout.write(f"{name}: {silence}\n")
    return 0 if silence.healthy else 1


def parse(arguments: Sequence[str] | None) -> str:
    """The name of what to check."""
    parser = argparse.ArgumentParser(
        prog="python -m workers.healthcheck", description="Check one process of this host."
    )
    parser.add_argument("name", choices=[*map(str, Queue), BEAT], help="the queue of a worker, or beat")
    return str(parser.parse_args(arguments).name)


def worker_silence(settings: Settings, queue: Queue, host: str) -> Silence:
    """Age of the freshest heartbeat of a worker on `host` that consumes the queue."""
    with open_session(settings.required_database_url) as session:
        beats = read_heartbeats(session)
    # Workers are named "queue@host:pid".
    ages = [beat.age_s for beat in beats if queue in beat.queues and f"@{host}:" in beat.worker]
    return Silence(min(ages, default=None), settings.worker.dead_after_seconds)


def beat_silence(settings: Settings) -> Silence:
    """Time since a connection from this host was last used, other than the one that asks.

    Beat holds one connection to the broker and sends the dispatch tick through it; nothing else runs in its container.
    """
    url = settings.required_redis_url
    with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as client:
        own = client.client_info()
        idle = [
            float(other["idle"])
            for other in client.client_list()
            if str(other["id"]) != str(own["id"]) and _address(other) == _address(own)
        ]
    return Silence(
        min(idle, default=None), settings.ledger.dispatch_interval_seconds + settings.worker.dead_after_seconds
    )


def _address(client: dict[str, str]) -> str:
    """Where a client connects from, without its port."""
    return client["addr"].rpartition(":")[0]


if __name__ == "__main__":
    sys.exit(main())
