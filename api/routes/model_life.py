"""The life of a user's model: go back to the version before."""

from fastapi import APIRouter, Depends

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.routes.user_models import OfKind, UserId
from api.schemas.model_life import ServingModel
from api.security import require_key

router = APIRouter(prefix="/api/users", tags=["personal"])


@router.post(
    "/{user_id}/models/{kind}/rollback",
    summary="Let the version before the last training serve again",
    dependencies=[Depends(require_key)],
    responses=problems(
        "unauthorized", "model-missing", "user-model-corrupt", "model-storage-unavailable", "invalid-settings"
    ),
)
def roll_back_model(user_id: UserId, kind: OfKind, session: DatabaseSession, settings: AppSettings) -> ServingModel:
    """The version that served is kept in its place: a second call undoes the first."""
    from services.personal.life import roll_back, storage_of

    row = roll_back(session, storage_of(settings), user_id, kind)
    session.commit()
    return ServingModel.of(row)
