"""Queues, task names and which task goes where."""

from enum import StrEnum

from core.work import WorkKind


class Queue(StrEnum):
    """A broker queue; every one is consumed by a worker type."""

    ENRICH = "enrich"  #: Feature prediction for chunks of tracks.
    LOOKUP = "lookup"  #: Calls of providers, which wait more than they work.
    EMBED = "embed"  #: Audio: decoding, descriptors, embeddings in batches.
    TRAIN = "train"  #: Training, which may take an hour; on its own so that no import waits behind it.
    PERSONAL = "personal"  #: Models of single users: seconds each, never behind an hour of TRAIN.
    MAINTENANCE = "maintenance"  #: Dispatch, recovery of lost work, clean-up.


class TaskName(StrEnum):
    """Explicit names, so that moving a function never changes a message."""

    ENRICH = "musicspace.enrich"
    PLAN_LOOK_UPS = "musicspace.plan-look-ups"
    LOOK_UP = "musicspace.look-up"
    ANALYZE = "musicspace.analyze"
    TRAIN_GLOBAL = "musicspace.train-global"
    TRAIN_USER = "musicspace.train-user"
    TRAIN_COMMUNITY = "musicspace.train-community"
    FORGET_USER = "musicspace.forget-user"
    RENEW_MODELS = "musicspace.renew-models"
    RENEW_COMMUNITY = "musicspace.renew-community"
    DISPATCH = "musicspace.dispatch"
    CLEAN_UP = "musicspace.clean-up"
    CLEAN_UP_MODELS = "musicspace.clean-up-models"


ROUTES: dict[TaskName, Queue] = {
    TaskName.ENRICH: Queue.ENRICH,
    TaskName.PLAN_LOOK_UPS: Queue.ENRICH,
    TaskName.LOOK_UP: Queue.LOOKUP,
    TaskName.ANALYZE: Queue.EMBED,
    TaskName.TRAIN_GLOBAL: Queue.TRAIN,
    TaskName.TRAIN_USER: Queue.PERSONAL,
    TaskName.TRAIN_COMMUNITY: Queue.TRAIN,
    TaskName.FORGET_USER: Queue.MAINTENANCE,
    TaskName.RENEW_MODELS: Queue.MAINTENANCE,
    TaskName.RENEW_COMMUNITY: Queue.MAINTENANCE,
    TaskName.DISPATCH: Queue.MAINTENANCE,
    TaskName.CLEAN_UP: Queue.MAINTENANCE,
    TaskName.CLEAN_UP_MODELS: Queue.MAINTENANCE,
}

# Which task does a work item of each kind.
WORK_TASKS: dict[WorkKind, TaskName] = {
    WorkKind.ENRICH: TaskName.ENRICH,
    WorkKind.PLAN_LOOK_UPS: TaskName.PLAN_LOOK_UPS,
    WorkKind.LOOK_UP: TaskName.LOOK_UP,
    WorkKind.ANALYZE: TaskName.ANALYZE,
    WorkKind.TRAIN_GLOBAL: TaskName.TRAIN_GLOBAL,
    WorkKind.TRAIN_USER: TaskName.TRAIN_USER,
    WorkKind.TRAIN_COMMUNITY: TaskName.TRAIN_COMMUNITY,
    WorkKind.FORGET_USER: TaskName.FORGET_USER,
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
