"""Ask providers about tracks."""

from fastapi import APIRouter, Depends, Response

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.jobs import Job
from api.schemas.look_ups import LookUpRequest, NothingToAsk
from api.security import require_key
from api.started_jobs import AnswerWithJob

router = APIRouter(prefix="/api", tags=["providers"])


@router.post(
    "/look-ups",
    status_code=202,
    summary="Ask providers about every track with an inferred feature",
    dependencies=[Depends(require_key)],
    responses={
        200: {"model": NothingToAsk, "description": "Nothing is worth asking, or nothing is left of the budget."},
        **problems("unauthorized", "invalid-request", "provider-disabled"),
    },
    response_model=Job,
)
def look_up(
    request: LookUpRequest,
    session: DatabaseSession,
    settings: AppSettings,
    answer: AnswerWithJob,
) -> Job | Response:
    """Starts a job and returns it. Free providers come first; paid calls go to the tracks that gain most."""
    from services.look_ups.planning import require_provider, start_look_ups

    require_provider(settings)
    job_id, _ = start_look_ups(session, settings, budget_usd=request.budget_usd)
    if job_id is None:
        return Response(NothingToAsk().model_dump_json(), media_type="application/json")
    return answer(job_id, created=True)
