"""Remove a user, and the receipt for it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.dependencies import DatabaseSession
from api.openapi import problems
from api.schemas.jobs import Job
from api.schemas.users import UserDeletion
from api.security import require_key
from api.started_jobs import AnswerWithJob
from core.ids import MAX_ID
from services.job_control import get_job

router = APIRouter(prefix="/api/users", tags=["personal"])

# Listeners of the DJ may have the number 0.
AnyUserId = Annotated[int, Path(ge=0, le=MAX_ID, description="The platform's id of the user.", examples=[123])]


@router.delete(
    "/{user_id}",
    status_code=202,
    summary="Remove everything about a user",
    dependencies=[Depends(require_key)],
    responses={
        200: {"model": Job, "description": "They are being removed already; this is the job."},
        **problems("unauthorized", "not-found", "wrong-state"),
    },
)
def delete_user(user_id: AnyUserId, session: DatabaseSession, answer: AnswerWithJob) -> Job:
    """Starts a job that removes playlists, interactions, feedback, and models with their files.

    Jobs of the user that have not finished are cancelled. The receipt is at `/api/users/{user_id}/deletion`.
    """
    from services.personal.forgetting import start_forgetting

    return answer(*start_forgetting(session, user_id))


@router.get("/{user_id}/deletion", summary="The removal of a user and its receipt", responses=problems("not-found"))
def show_deletion(user_id: AnyUserId, session: DatabaseSession) -> UserDeletion:
    """The newest removal; once its job is done, what was removed, and what is kept and why."""
    from services.personal.forgetting import read_deletion

    deletion = read_deletion(session, user_id)
    return UserDeletion(job=Job.of(get_job(session, deletion.job_id)), receipt=deletion.receipt)
