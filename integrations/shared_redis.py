"""The Redis connection of this process for what all workers count together. Waits are short: a call is waiting."""

import os
from functools import lru_cache
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_TIMEOUT_S = 2.0


def shared_redis(url: str) -> redis.Redis:
    """The pooled client of this process. Nothing connects before its first command."""
    return _client_of(url, os.getpid())


@lru_cache(maxsize=4)
def _client_of(url: str, pid: int) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        # Once more, because a pooled connection may be one that a restarted server has forgotten.
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )


def run_script(client: redis.Redis, script: str, keys: list[str], arguments: list[str | int | float]) -> list[str]:
    """Run a Lua script that returns a list, by its hash where the server has it.

    Raises
    ------
    redis.RedisError
        The server does not answer, or refuses the script.
    """
    reply = cast(list[Any], client.register_script(script)(keys=keys, args=arguments))
    return [str(part) for part in reply]


def key_of(provider: str, part: str) -> str:
    """The key of one thing that is counted; those of a provider live on one node of a cluster."""
    return f"musicspace:{{{provider}}}:{part}"
