"""How much the models of users take."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import DatabaseSession
from api.openapi import problems
from api.schemas.model_usage import ModelUsage

router = APIRouter(prefix="/api/models", tags=["personal"])

Top = Annotated[int, Query(ge=0, le=1000, description="How many of the largest users.", examples=[10])]


@router.get("/usage", summary="How much the models of users take", responses=problems())
def show_model_usage(session: DatabaseSession, top: Top = 10) -> ModelUsage:
    """Count, bytes and age by kind, the users with the largest models, and growth over 7 and 30 days."""
    from services.personal.usage import read_usage

    return ModelUsage.of(read_usage(session, top=top))
