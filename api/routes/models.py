"""Predictors: their versions, training, promotion and rollback."""

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.jobs import Job
from api.schemas.models import Model, ModelList, PromoteRequest, RollbackRequest, TrainRequest
from api.security import require_key
from api.started_jobs import AnswerWithJob
from core.errors import PermanentError
from models.registry import PREDICTORS

router = APIRouter(prefix="/api/models", tags=["models"])

_UNUSABLE = ("artifact-missing", "artifact-corrupt")


def _known(name: Annotated[str, Path(max_length=100, description="The predictor.", examples=["m1"])]) -> str:
    if name not in PREDICTORS:
        raise PermanentError("not-found", f"There is no predictor {name!r}. Known ones: {', '.join(PREDICTORS)}.")
    return name


PredictorName = Annotated[str, Depends(_known)]


@router.get("", summary="Every predictor with its versions", responses=problems())
def list_models(session: DatabaseSession, settings: AppSettings) -> ModelList:
    """What serves, what was trained with which figures, and what was promoted and rolled back when and why."""
    from services import model_versions
    from services.serving import ModelFolders

    overviews = model_versions.list_models(session, ModelFolders.of(settings))
    return ModelList(models=[Model.of(overview) for overview in overviews])


@router.post(
    "/{name}/train",
    status_code=202,
    summary="Train a predictor",
    dependencies=[Depends(require_key)],
    responses={
        200: {"model": Job, "description": "It is being trained already; this is the job."},
        **problems("unauthorized", "not-found", "invalid-option", "file-not-found", "wrong-state", "invalid-settings"),
    },
)
def train_model(
    name: PredictorName,
    session: DatabaseSession,
    settings: AppSettings,
    answer: AnswerWithJob,
    request: TrainRequest | None = None,
) -> Job:
    """Starts a job and returns it. The new version is promoted if it is not worse than the one that serves."""
    from services.train_jobs import shared_table_name, start_training

    data = shared_table_name(settings.shared_data_dir, FilePath((request or TrainRequest()).data))
    job_id, created = start_training(session, name, data)
    return answer(job_id, created)


@router.post(
    "/{name}/promote",
    summary="Let a version serve",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "not-found", "wrong-state", *_UNUSABLE),
)
def promote_model(
    name: PredictorName, request: PromoteRequest, session: DatabaseSession, settings: AppSettings
) -> Model:
    """Whatever its figures are. Enrichment uses it from the next work item on."""
    from services import model_versions
    from services.serving import ModelFolders

    folders = ModelFolders.of(settings)
    model_versions.promote(session, name, request.version, folders, request.reason)
    model = Model.of(model_versions.model_overview(session, name, folders))
    session.commit()
    return model


@router.post(
    "/{name}/rollback",
    summary="Let the version before serve again",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized", "not-found", "wrong-state", *_UNUSABLE),
)
def rollback_model(
    name: PredictorName, session: DatabaseSession, settings: AppSettings, request: RollbackRequest | None = None
) -> Model:
    """Each call goes one promotion further back; before the first one the shipped version served."""
    from services import model_versions
    from services.serving import ModelFolders

    folders = ModelFolders.of(settings)
    model_versions.rollback(session, name, folders, None if request is None else request.reason)
    model = Model.of(model_versions.model_overview(session, name, folders))
    session.commit()
    return model
