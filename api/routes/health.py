"""Alive and ready. Neither takes a thread from the endpoints: they answer while those are busy."""

from fastapi import APIRouter, Response

from api.dependencies import AppSettings
from api.openapi import problem_content
from api.readiness import readiness
from api.schemas.health import Alive, Readiness

router = APIRouter(tags=["health"], responses={500: problem_content(["unexpected"])})


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Alive:
    """Answers as long as the process does; asks nobody else."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can the system work?",
    responses={503: {"model": Readiness, "description": "At least one check failed."}},
)
async def readyz(settings: AppSettings, response: Response) -> Readiness:
    """Really asks Postgres, its schema, the broker, and a worker for each queue; takes at most about three seconds."""
    result = await readiness(settings)
    if not result.ready:
        response.status_code = 503
    return result
