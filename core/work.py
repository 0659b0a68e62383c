"""The words of the ledger: kinds of work and the states they pass through."""

from enum import StrEnum


class JobKind(StrEnum):
    """What somebody asked for; one row in `jobs`."""

    IMPORT = "import"  #: A playlist was imported; its tracks without features are enriched.
    ENRICH_ALL = "enrich-all"  #: Every track that lacks a feature, or every outdated one, is enriched.
    LOOK_UP = "look-up"  #: Providers are asked about tracks whose features are inferred.
    ANALYZE = "analyze"  #: The audio files of tracks are listened to.
    TRAIN = "train"  #: A predictor that serves everybody is trained anew.
    INIT_MODELS = "init-models"  #: A user's tracks are enriched, then their models trained; also when they are renewed.
    TRAIN_MODEL = "train-model"  #: One kind of model is trained, of a user, or what M3 knows of all users.
    FORGET_USER = "forget-user"  #: All data of a user are removed.


class WorkKind(StrEnum):
    """The unit a worker claims; one row in `work_items`."""

    ENRICH = "enrich"  #: Predict, resolve and write the features of a chunk of tracks.
    PLAN_LOOK_UPS = "plan-look-ups"  #: Choose, after an import, which of its tracks providers are asked about.
    LOOK_UP = "look-up"  #: Ask one provider about a few tracks; the version names the provider.
    ANALYZE = "analyze"  #: Decode, describe and embed the audio of a few tracks.
    TRAIN_GLOBAL = "train-global"  #: Train a predictor, compare it with the one that serves, promote or reject it.
    TRAIN_USER = "train-user"  #: Train a model of one user; the version names its kind.
    TRAIN_COMMUNITY = "train-community"  #: Train what M3 knows of all users, and the weights that merge the models.
    FORGET_USER = "forget-user"  #: Remove what is known of one user, rows and files.


class WorkState(StrEnum):
    """The life of a work item. `waiting`, `queued` and `running` are live; the others are final until replayed."""

    WAITING = "waiting"  #: Its stage has not been released yet.
    QUEUED = "queued"  #: Due at `next_run_at`; `dispatched_at` tells whether a message is on its way.
    RUNNING = "running"  #: A worker holds it under a lease and a fence.
    DONE = "done"  #: Its results were committed together with this state.
    FAILED = "failed"  #: A permanent error, or retries ran out; `error_code` says which.
    CANCELLED = "cancelled"  #: Its job was cancelled; a running worker cannot commit any more.
    QUARANTINED = "quarantined"  #: Its worker died too often; an operator inspects and replays it.


class JobState(StrEnum):
    """The state of a job, derived from its items."""

    QUEUED = "queued"  #: No item has been claimed yet.
    RUNNING = "running"  #: At least one item is, or will be, worked on.
    DONE = "done"  #: Every item is done.
    FAILED = "failed"  #: Nothing is live any more and at least one item failed or is quarantined.
    CANCELLED = "cancelled"  #: Somebody cancelled it.


class AttemptOutcome(StrEnum):
    """How one attempt at a work item ended."""

    DONE = "done"
    RETRY = "retry"  #: A retryable error; the item is queued again.
    FAILED = "failed"
    LOST = "lost"  #: The worker died or lost its lease.
    CANCELLED = "cancelled"


LIVE_STATES: tuple[WorkState, ...] = (WorkState.WAITING, WorkState.QUEUED, WorkState.RUNNING)
