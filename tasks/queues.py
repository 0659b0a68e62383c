"""Queues, task names and which task goes where."""

from enum import StrEnum

from core.work import WorkKind


class Queue(StrEnum):
    """A broker queue; every one is consumed by a worker type."""

    ENRICH = "enrich"  #: Feature prediction for chunks of tracks.
    LOOKUP = "lookup"  #: Calls of providers, which wait more than they work.
    EMBED = "embed"  #: Audio: decoding, descriptors, embeddings in batches.
    TRAIN = "train"  #: Training, which may take an hour; on its own so that no import waits behind it.
    MAINTENANCE = "maintenance"  #: Dispatch, recovery of lost work, clean-up.


class TaskName(StrEnum):
    """Explicit names, so that moving a function never changes a message."""

    ENRICH = "musicspace.enrich"
    PLAN_LOOK_UPS = "musicspace.plan-look-ups"
    LOOK_UP = "musicspace.look-up"
    ANALYZE = "musicspace.analyze"
    TRAIN_GLOBAL = "musicspace.train-global"
    DISPATCH = "musicspace.dispatch"
    CLEAN_UP = "musicspace.clean-up"


ROUTES: dict[TaskName, Queue] = {
    TaskName.ENRICH: Queue.ENRICH,
    TaskName.PLAN_LOOK_UPS: Queue.ENRICH,
    TaskName.LOOK_UP: Queue.LOOKUP,
    TaskName.ANALYZE: Queue.EMBED,
    TaskName.TRAIN_GLOBAL: Queue.TRAIN,
    TaskName.DISPATCH: Queue.MAINTENANCE,
    TaskName.CLEAN_UP: Queue.MAINTENANCE,
}

# Which task does a work item of each kind.
WORK_TASKS: dict[WorkKind, TaskName] = {
    WorkKind.ENRICH: TaskName.ENRICH,
    WorkKind.PLAN_LOOK_UPS: TaskName.PLAN_LOOK_UPS,
    WorkKind.LOOK_UP: TaskName.LOOK_UP,
    WorkKind.ANALYZE: TaskName.ANALYZE,
    WorkKind.TRAIN_GLOBAL: TaskName.TRAIN_GLOBAL,
}


def work_kinds(queue: Queue) -> list[WorkKind]:
    """The kinds of work items whose messages travel through a queue."""
    return [kind for kind, task in WORK_TASKS.items() if ROUTES[task] is queue]


def broker_url_of(redis_url: str) -> str:
    """The broker URL in kombu's spelling: it writes Unix sockets as `redis+socket://`."""
    if not redis_url.startswith("unix://"):
        return redis_url
    path, _, query = redis_url.removeprefix("unix://").partition("?")
    database = next((part.removeprefix("db=") for part in query.split("&") if part.startswith("db=")), "0")
    return f"redis+socket://{path}?virtual_host={database}"
