"""Work items: find those in trouble, inspect them, replay them."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query

from api.dependencies import AppSettings, DatabaseSession, PageLimit, WorkItemId
from api.openapi import problems
from api.schemas.work_items import WorkItem, WorkItemDetail, WorkItemPage
from api.security import require_key
from core.ids import MAX_ID
from core.work import WorkState
from db.repositories.inspection import list_items
from services import job_control
from tasks.publishing import ring

router = APIRouter(prefix="/api/work-items", tags=["work items"])

State = Annotated[WorkState | None, Query(description="Only items in this state.", examples=["quarantined"])]
OfJob = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only items of this job.", examples=[42])]
AfterId = Annotated[int, Query(ge=0, le=MAX_ID, description="Only items after this one.", examples=[1001])]


@router.get("", summary="Work items by state and job", responses=problems())
def list_work_items(
    session: DatabaseSession, state: State = None, job_id: OfJob = None, limit: PageLimit = 50, after_id: AfterId = 0
) -> WorkItemPage:
    """A page of items in the order of their ids, without their payloads."""
    rows = list_items(session, state=state, job_id=job_id, limit=limit, after_id=after_id)
    items = [WorkItem(**row) for row in rows]
    return WorkItemPage(work_items=items, next_after_id=items[-1].id if len(items) == limit else None)


@router.get("/{item_id}", summary="One work item with its attempts", responses=problems("not-found"))
def show_work_item(item_id: WorkItemId, session: DatabaseSession) -> WorkItemDetail:
    """The item with its payload, its result and every attempt, oldest first."""
    return WorkItemDetail(**job_control.get_work_item(session, item_id))


@router.post(
    "/{item_id}/replay",
    status_code=202,
    summary="Replay a failed or quarantined work item",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "not-found", "wrong-state"),
)
def replay_work_item(
    item_id: WorkItemId, session: DatabaseSession, settings: AppSettings, background: BackgroundTasks
) -> WorkItemDetail:
    """Queues the item again, with fresh counters."""
    item = WorkItemDetail(**job_control.replay(session, item_id))
    session.commit()
    background.add_task(ring, settings)
    return item
