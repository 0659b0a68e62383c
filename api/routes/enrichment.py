"""Enrich the whole library, and see how far that is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.enrichment import EnrichStatus
from api.schemas.jobs import Job
from api.security import require_key
from api.started_jobs import AnswerWithJob
from services import enrich_status as status_service

router = APIRouter(prefix="/api", tags=["enrichment"])

Outdated = Annotated[
    bool,
    Query(description="Instead renew tracks with a feature inferred by another predictor or version.", examples=[True]),
]


Inferred = Annotated[
    bool,
    Query(description="Instead renew tracks with any inferred feature, e.g. after a reference table was loaded."),
]


@router.post(
    "/enrich-all",
    status_code=202,
    summary="Enrich every track that lacks a feature, or renew outdated ones",
    dependencies=[Depends(require_key)],
    responses={
        200: {"model": Job, "description": "A run is live already; this is it."},
        **problems("unauthorized", "artifact-missing"),
    },
)
def enrich_all(
    session: DatabaseSession,
    settings: AppSettings,
    answer: AnswerWithJob,
    outdated: Outdated = False,
    inferred: Inferred = False,
) -> Job:
    """Starts a job and returns it. While one is live, that one is returned instead, with 200."""
    from services.enrich_jobs import Scope, start_enrichment

    scope = Scope.INFERRED if inferred else Scope.OUTDATED if outdated else Scope.LACKING
    job_id, created = start_enrichment(session, settings, scope)
    return answer(job_id, created)


@router.get("/enrich-status", summary="Totals, failures, sources, rate and time left", responses=problems())
def enrich_status(session: DatabaseSession) -> EnrichStatus:
    """Counts over all tracks and over the live enrichment work."""
    return EnrichStatus(**status_service.enrich_status(session))
