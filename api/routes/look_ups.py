"""Ask providers about tracks."""

from fastapi import APIRouter, BackgroundTasks, Depends, Response

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.jobs import Job
from api.schemas.look_ups import LookUpRequest, NothingToAsk
from api.security import require_key
from services.job_control import get_job
from tasks.publishing import ring

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
    background: BackgroundTasks,
    response: Response,
) -> Job | Response:
    """Starts a job and returns it. Free providers come first; paid calls go to the tracks that gain most."""
    from services.look_ups.planning import require_provider, start_look_ups

    require_provider(settings)
    job_id, _ = start_look_ups(session, settings, budget_usd=request.budget_usd)
    if job_id is None:
        return Response(NothingToAsk().model_dump_json(), media_type="application/json")
    job = Job.of(get_job(session, job_id))
    session.commit()
    background.add_task(ring, settings)
    response.headers["Location"] = job.links.job
    return job
