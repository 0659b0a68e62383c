"""Trainings of users' models as jobs; of each user and kind at most one is live."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.settings import Settings
from core.user_models import ModelKind
from core.work import JobKind, WorkKind
from db.repositories import personalized_users as users
from db.repositories.enqueue import create_job, enqueue_targets, jobs_working_on, seal_job
from db.repositories.tracks import ids_lacking_features
from db.repositories.user_models import touch_all
from db.repositories.users import lock_user

# Targets are tracks or users elsewhere; what all users have in common belongs to nobody in particular.
_EVERYBODY = 0
#: The key and the version of the one job that trains what all users have in common.
COMMUNITY = "community"
#: Why models are trained: somebody asked for them, which counts as a use.
ASKED = "asked"
#: Fewer tracks of a user say too little to learn what users have in common.
COMMUNITY_MIN_TRACKS = 10

_TRIED_LATELY = timedelta(days=1)

# Features come first: M1 learns from them. M3 learns from what the other two say, so it comes last.
_STAGES = {ModelKind.M1: 1, ModelKind.M2: 2, ModelKind.M3: 3}


@dataclass(frozen=True, slots=True)
class Started:
    """What a request for a training came to."""

    job_id: int
    created: bool  #: False: it was live already.
    whole: bool = True  #: Every kind is trained by this job, none by another one that is live.


def start_init_models(session: Session, settings: Settings, user_id: int, reason: str = ASKED) -> Started:
    """Enqueue the enrichment of a user's tracks and the training of all their models, and keep these up to date.

    Where the user's models are being initialized already, that job is returned instead. What all users have in common
    is trained, too, by a job of its own, if it never was.

    Raises
    ------
    PermanentError
        `not-found`: there is no such user. `wrong-state`: they are being removed.
    """
    _lock(session, user_id)
    if reason == ASKED:
        touch_all(session, user_id)
    params = {"reason": reason}
    job_id, created = create_job(session, JobKind.INIT_MODELS, user_id=user_id, params=params, unique_key=str(user_id))
    if not created:
        return Started(job_id, created=False)
    users.personalize(session, user_id)
    tracks = users.track_ids_of_user(session, user_id)
    lacking = ids_lacking_features(session, tracks)
    enriched = enqueue_targets(
        session,
        job_id,
        WorkKind.ENRICH,
        lacking,
        version=settings.enrich.predictor,
        chunk_size=settings.enrich.chunk_size,
    )
    trained = [kind for kind, stage in _STAGES.items() if _enqueue(session, settings, job_id, user_id, kind, stage)]
    whole = len(trained) == len(_STAGES)
    if whole:
        # A training that began before the last change leaves the mark, and another one follows.
        users.clear_outdated(session, user_id)
    summary = {
        "tracks": len(tracks),
        "enqueued": enriched,
        "in_progress": len(lacking) - enriched,
        "models": trained,
        "community_job": _first_community_training(session, settings),
    }
    seal_job(session, job_id, summary)
    return Started(job_id, created=True, whole=whole)


def start_training(session: Session, settings: Settings, user_id: int, kind: ModelKind) -> Started:
    """Enqueue the training of one model of a user. Whichever live job trains it already is returned instead.

    Raises as `start_init_models`.
    """
    _lock(session, user_id)
    touch_all(session, user_id)
    live = users.live_trainings(session, user_id).get(kind)
    if live is not None:
        return Started(live, created=False)
    job_id, _ = create_job(session, JobKind.TRAIN_MODEL, user_id=user_id, params={"model": kind})
    users.personalize(session, user_id)
    if not _enqueue(session, settings, job_id, user_id, kind, stage=0):
        raise PermanentError("wrong-state", f"A replayed training of {kind} is live; wait for it, or cancel its job.")
    seal_job(session, job_id, {})
    return Started(job_id, created=True)


def start_community_training(session: Session) -> Started:
    """Enqueue the training of what all users have in common; one that is live is returned instead."""
    live = _live_community_training(session)
    if live is not None:
        return Started(live, created=False)
    params = {"model": ModelKind.M3, "of": COMMUNITY}
    job_id, created = create_job(session, JobKind.TRAIN_MODEL, params=params, unique_key=COMMUNITY)
    if created:
        enqueued = enqueue_targets(
            session, job_id, WorkKind.TRAIN_COMMUNITY, [_EVERYBODY], version=COMMUNITY, chunk_size=1
        )
        if not enqueued:
            message = "A replayed training of the community is live; wait for it, or cancel its job."
            raise PermanentError("wrong-state", message)
        seal_job(session, job_id, {})
    return Started(job_id, created)


def has_enough_users(session: Session, settings: Settings) -> bool:
    """Whether a training of what users have in common has enough to learn from."""
    fewest = settings.personal.community_min_users
    return users.count_active_users(session, COMMUNITY_MIN_TRACKS, fewest) >= fewest


def _first_community_training(session: Session, settings: Settings) -> int | None:
    """The job that trains what users have in common, if that never was and there is enough to learn from.

    One that failed is left to the nightly run: not every request that follows tries it again.
    """
    if users.community_trained_at(session) is not None or not has_enough_users(session, settings):
        return None
    live = _live_community_training(session)
    if live is None and users.community_tried_since(session, datetime.now(UTC) - _TRIED_LATELY):
        return None
    return live or start_community_training(session).job_id


def _live_community_training(session: Session) -> int | None:
    return next(iter(jobs_working_on(session, WorkKind.TRAIN_COMMUNITY, [_EVERYBODY], except_job=0)), None)


def _lock(session: Session, user_id: int) -> None:
    """Nobody else starts trainings of the user until the end of the transaction."""
    if not lock_user(session, user_id):
        raise PermanentError("not-found", f"There is no user {user_id}; import a playlist for them first.")
    if users.is_being_removed(session, user_id):
        raise PermanentError("wrong-state", f"The data of user {user_id} are being removed.")


def _enqueue(session: Session, settings: Settings, job_id: int, user_id: int, kind: ModelKind, stage: int) -> int:
    deadline = datetime.now(UTC) + timedelta(seconds=settings.personal.enrichment_patience_seconds)
    payload: dict[str, Any] = {"deadline": deadline.isoformat(timespec="seconds")}
    return enqueue_targets(
        session, job_id, WorkKind.TRAIN_USER, [user_id], version=kind, chunk_size=1, stage=stage, extra=payload
    )
