"""Task: enrich one chunk of tracks."""

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.settings import get_settings
from tasks.app import app
from tasks.execution import run_work_item
from tasks.queues import TaskName

if TYPE_CHECKING:
    from models.predictors.protocol import FeaturePredictor


@app.task(name=str(TaskName.ENRICH))
def enrich(item_id: int) -> None:
    """Claim the item and enrich its tracks."""
    run_work_item(item_id, _enrich, get_settings())


def _enrich(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
    from services.enrichment import enrich_tracks

    return asdict(enrich_tracks(session, payload["targets"], predictor(payload["version"])))


@cache
def predictor(name: str) -> "FeaturePredictor":
    """The predictor, loaded once per process."""
    from models.registry import load_predictor

    return load_predictor(name, get_settings().artifacts_dir)
