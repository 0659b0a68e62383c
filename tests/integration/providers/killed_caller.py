"""A process that dies in the middle of a call. Usage: killed_caller.py DATABASE_URL REDIS_URL"""

import os
import signal
import sys

from gate_calls import ESTIMATE, gate_of

from core.providers import Usage
from core.settings import read_settings


def die() -> tuple[str, Usage]:
    """What a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


if __name__ == "__main__":
    database_url, redis_url = sys.argv[1:]
    settings = read_settings().model_copy(update={"database_url": database_url, "redis_url": redis_url})
    gate_of(settings, budget_usd_per_day=1.0).through(ESTIMATE, die)
