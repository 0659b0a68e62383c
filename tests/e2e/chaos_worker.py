"""The CPU worker with a death wish: `celery -A chaos_worker worker`. Configured by CHAOS_* variables.

It runs the shipped code and only adds a `kill -9` of the pool process at chosen points of the protocol, a second copy
of every message, or a pause before each commit. The seed decides which item dies where; each dies once at most.
"""

import os
import random
import signal
import time
from pathlib import Path

from celery import Celery

import tasks.execution
import tasks.publishing
from db.repositories import work_items
from workers.cpu import app

__all__ = ["app"]

POINTS = ("popped", "claimed", "written", "committed")

SEED = int(os.environ.get("CHAOS_SEED", "0"))
SHARE = float(os.environ.get("CHAOS_KILL_SHARE", "0"))
DEATHS = Path(os.environ.get("CHAOS_DEATHS", "."))
DOUBLE = bool(os.environ.get("CHAOS_DOUBLE"))
SLOW_S = float(os.environ.get("CHAOS_SLOW_S", "0"))


def maybe_die(point: str, item_id: int) -> None:
    """Die here if the seed says so; a file that can be created only once makes it once."""
    choice = random.Random(f"{SEED}:{item_id}")
    if choice.random() >= SHARE or choice.choice(POINTS) != point:
        return
    try:
        (DEATHS / f"{item_id}.{point}").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def install(app: Celery) -> None:
    """Wrap the four steps of the protocol and the publisher."""
    claim, finish, work, send = (
        tasks.execution._claim,
        work_items.finish,
        tasks.execution._work,
        tasks.publishing.send,
    )

    def claim_or_die(item_id, settings):
        maybe_die("popped", item_id)
        held = claim(item_id, settings)
        if held is not None:
            maybe_die("claimed", item_id)
        return held

    def finish_or_die(session, held, result):
        time.sleep(SLOW_S)
        finish(session, held, result)
        maybe_die("written", held.item_id)

    def work_or_die(held, what, settings):
        work(held, what, settings)
        maybe_die("committed", held.item_id)

    tasks.execution._claim = claim_or_die
    work_items.finish = finish_or_die
    tasks.execution._work = work_or_die
    if DOUBLE:
        tasks.publishing.send = lambda items: send([item for item in items for _ in range(2)])


install(app)
