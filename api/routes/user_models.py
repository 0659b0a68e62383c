"""Models of users: start their trainings, see how they stand."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.jobs import Job
from api.schemas.user_models import M3Request, UserModels, UserModelStatus, UserRequest
from api.security import require_key
from api.started_jobs import AnswerWithJob
from core.ids import MAX_ID
from core.user_models import ModelKind

router = APIRouter(prefix="/api", tags=["personal"])

UserId = Annotated[int, Path(ge=1, le=MAX_ID, description="The platform's id of the user.", examples=[123])]
OfKind = Annotated[ModelKind, Path(description="Which of the user's models.", examples=["m1"])]

_STARTED = {
    200: {"model": Job, "description": "A job does that already; this is it."},
    **problems("unauthorized", "not-found", "wrong-state"),
}


@router.post(
    "/init-models",
    status_code=202,
    summary="Train all models of a user, and keep them up to date",
    dependencies=[Depends(require_key)],
    responses=_STARTED,
)
def init_models(request: UserRequest, session: DatabaseSession, settings: AppSettings, answer: AnswerWithJob) -> Job:
    """Starts a job: it enriches the user's tracks that lack features, then trains M1, then M2 and M3.

    While one is live, that one is returned instead, with 200.
    """
    from services.personal.jobs import start_init_models

    started = start_init_models(session, settings, request.user_id)
    return answer(started.job_id, started.created)


@router.post(
    "/m1/train",
    status_code=202,
    summary="Train M1 of a user",
    dependencies=[Depends(require_key)],
    responses=_STARTED,
)
def train_m1(request: UserRequest, session: DatabaseSession, settings: AppSettings, answer: AnswerWithJob) -> Job:
    """Starts a job that learns the user's audio taste. The live job that does so is returned instead, with 200."""
    return _train(ModelKind.M1, request.user_id, session, settings, answer)


@router.post(
    "/m2/train",
    status_code=202,
    summary="Train M2 of a user",
    dependencies=[Depends(require_key)],
    responses=_STARTED,
)
def train_m2(request: UserRequest, session: DatabaseSession, settings: AppSettings, answer: AnswerWithJob) -> Job:
    """Starts a job that learns the user's artists and titles. The live job that does so is returned instead."""
    return _train(ModelKind.M2, request.user_id, session, settings, answer)


@router.post(
    "/m3/train",
    status_code=202,
    summary="Train M3 of a user, or what all users have in common",
    dependencies=[Depends(require_key)],
    responses=_STARTED,
)
def train_m3(request: M3Request, session: DatabaseSession, settings: AppSettings, answer: AnswerWithJob) -> Job:
    """Starts a job that learns behavior. The live job that does so is returned instead, with 200."""
    if request.user_id is not None:
        return _train(ModelKind.M3, request.user_id, session, settings, answer)
    from services.personal.jobs import start_community_training

    started = start_community_training(session)
    return answer(started.job_id, started.created)


@router.get("/users/{user_id}/models", summary="How a user's models stand", responses=problems("not-found"))
def list_user_models(user_id: UserId, session: DatabaseSession) -> UserModels:
    """M1, M2 and M3: which version serves, its figures, when it was used, what trains it right now."""
    from services.personal.status import user_status

    return UserModels(user_id=user_id, models=[UserModelStatus.of(status) for status in user_status(session, user_id)])


@router.get("/{kind}/status/{user_id}", summary="How one model of a user stands", responses=problems("not-found"))
def user_model_status(kind: OfKind, user_id: UserId, session: DatabaseSession) -> UserModelStatus:
    """Which version serves, its figures, when it was used, what trains it right now."""
    from services.personal.status import model_status

    return UserModelStatus.of(model_status(session, user_id, kind))


def _train(
    kind: ModelKind, user_id: int, session: DatabaseSession, settings: AppSettings, answer: AnswerWithJob
) -> Job:
    from services.personal.jobs import start_training

    started = start_training(session, settings, user_id, kind)
    return answer(started.job_id, started.created)
