"""What users do with tracks."""

from fastapi import APIRouter, Depends

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.interactions import Interactions, InteractionsStored
from api.security import require_key

router = APIRouter(prefix="/api", tags=["personal"])


@router.post(
    "/interactions",
    summary="Take plays, skips and likes in bulk",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "file-too-large"),
)
def take_interactions(sent: Interactions, session: DatabaseSession, settings: AppSettings) -> InteractionsStored:
    """Stores each event once and adds it up. Users need not be known; events of unknown tracks are left out and told.

    Models of the users are trained anew once they are quiet for a while.
    """
    from services.personal.interactions import record

    recorded = record(session, [event.named() for event in sent.events], settings.recommend.max_events)
    session.commit()
    return InteractionsStored.of(recorded)
