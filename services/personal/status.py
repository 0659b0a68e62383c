"""How a user's models stand, for people and the platform."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.user_models import ModelKind, UserModelState
from db.repositories import personalized_users as users
from db.repositories.personalized_users import KeptModel, Training
from db.repositories.users import user_exists


class Readiness(StrEnum):
    """What a user can expect of a model."""

    NONE = "none"  #: It was never trained, or its training failed; recommendations do without it.
    TRAINING = "training"  #: A job trains it, or will; a version that served before goes on serving.
    READY = "ready"  #: It serves and has seen everything.
    OUTDATED = "outdated"  #: It serves; what changed since will be learned soon.
    FALLBACK = "fallback"  #: Too little history, or no gain: what is known of all users serves instead.


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model of a user."""

    kind: ModelKind
    state: Readiness
    serving: KeptModel | None = None
    previous_version: str | None = None  #: A roll-back makes it serve again.
    job_id: int | None = None  #: Trains it right now, or will.
    last_training: Training | None = None  #: The last one that ended.
    why_not: str | None = None  #: Why the last training changed nothing.


def user_status(session: Session, user_id: int) -> list[ModelStatus]:
    """All models of a user, in the order M1, M2, M3. Raises `PermanentError` (`not-found`)."""
    if not user_exists(session, user_id):
        raise PermanentError("not-found", f"There is no user {user_id}.")
    kept = {(model.kind, model.state): model for model in users.kept_models(session, user_id)}
    live, last = users.live_trainings(session, user_id), users.last_trainings(session, user_id)
    outdated = users.outdated_since(session, user_id) is not None
    return [
        _status(
            kind,
            kept.get((kind, UserModelState.SERVING)),
            kept.get((kind, UserModelState.PREVIOUS)),
            live.get(kind),
            last.get(kind),
            outdated=outdated,
        )
        for kind in ModelKind
    ]


def model_status(session: Session, user_id: int, kind: ModelKind) -> ModelStatus:
    """One model of a user. Raises `PermanentError` (`not-found`)."""
    return next(status for status in user_status(session, user_id) if status.kind is kind)


def _status(
    kind: ModelKind,
    serving: KeptModel | None,
    previous: KeptModel | None,
    job_id: int | None,
    last: Training | None,
    *,
    outdated: bool,
) -> ModelStatus:
    return ModelStatus(
        kind,
        _readiness(serving, job_id, last, outdated=outdated),
        serving=serving,
        previous_version=None if previous is None else previous.version,
        job_id=job_id,
        last_training=last,
        why_not=_why_not(last),
    )


def _readiness(serving: KeptModel | None, job_id: int | None, last: Training | None, *, outdated: bool) -> Readiness:
    if job_id is not None:
        return Readiness.TRAINING
    if serving is not None:
        return Readiness.OUTDATED if outdated else Readiness.READY
    ended_well = last is not None and last.result is not None and not last.result.get("swapped", True)
    return Readiness.FALLBACK if ended_well else Readiness.NONE


def _why_not(last: Training | None) -> str | None:
    """The reason of a training that put no new version into service."""
    if last is None:
        return None
    if last.result is None:
        return last.error_message or last.error_code or f"The training was {last.state}."
    return None if last.result.get("swapped") else last.result.get("reason")
