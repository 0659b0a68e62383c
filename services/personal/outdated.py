"""Which users' models are outdated, and their trainings anew: not at every play, but once the user is quiet."""

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import UserModelState
from db.repositories import personalized_users as users
from db.repositories.user_data import community_knows_removed, retire_community
from services.personal.jobs import has_enough_users, start_community_training, start_init_models

log = get_logger(__name__)

#: Users whose trainings one transaction starts.
BATCH = 50


def due_users(session: Session, settings: Settings, limit: int = BATCH) -> list[int]:
    """Outdated users who are quiet for long enough, or outdated for too long; the longest outdated first."""
    personal = settings.personal
    return users.due_user_ids(session, personal.debounce_seconds, personal.max_outdated_seconds, limit)


def start_due(session: Session, settings: Settings, limit: int = BATCH) -> list[int]:
    """Start the trainings of due users, at most `limit`; returns the jobs. The caller commits.

    Two who do this at once start each job once. A change that comes after the start marks the user anew.
    """
    started = []
    # By ascending id, so that two transactions never wait for each other.
    for user_id in sorted(due_users(session, settings, limit)):
        try:
            # What an attempt that fails has written goes with it: half a job would block the user.
            with session.begin_nested():
                job = start_init_models(session, settings, user_id, reason="outdated")
        except PermanentError as error:
            # Removed, or about to be.
            log.info("user_not_renewed", user_id=user_id, code=error.code, reason=error.message)
            continue
        if job.created:
            started.append(job.job_id)
    return started


def start_outdated_community(session: Session, settings: Settings) -> list[int]:
    """Start the training of what users have in common if enough of them are active and anything changed since the last.

    Behavior of a user who was removed is a change, too, as long as a version that is kept may have seen it.

    Returns the job, if one was started. The caller commits.
    """
    serving, longest_s = users.community_trained_at(session), settings.train.time_limit_seconds
    if serving is not None and not (
        users.changed_since(session, serving) or community_knows_removed(session, longest_s)
    ):
        return []
    if not has_enough_users(session, settings):
        # Nothing can take the place of a version that knows users who were removed.
        retire_community(session, longest_s, [UserModelState.SERVING, UserModelState.PREVIOUS])
        users.mark_misfits(session)
        return []
    started = start_community_training(session)
    return [started.job_id] if started.created else []
