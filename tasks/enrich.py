"""Task: enrich one chunk of tracks."""

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.settings import Settings, get_settings
from db.engine import open_session
from tasks.app import app
from tasks.execution import run_work_item
from tasks.queues import TaskName
from tasks.strategies import strategy

if TYPE_CHECKING:
    from models.predictors.protocol import FeaturePredictor
    from services.serving import Serving


@app.task(name=str(TaskName.ENRICH))
def enrich(item_id: int) -> None:
    """Claim the item and enrich its tracks."""
    run_work_item(item_id, _enrich, get_settings())


def _enrich(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
    from services.enrichment import Matching, enrich_tracks
    from services.serving import ModelFolders, serving_version

    settings = get_settings()
    # Asked anew for each item, so that a promotion takes effect at once.
    serving = serving_version(session, payload["version"], ModelFolders.of(settings))
    summary = enrich_tracks(
        session,
        payload["targets"],
        predictor(serving),
        preferred=settings.enrich.predictor,
        routing=strategy(settings.routing.strategy, settings.artifacts_dir),
        matching=Matching(settings.reference.near_matches) if settings.reference.enabled else None,
    )
    return asdict(summary)


@lru_cache(maxsize=2)
def predictor(serving: "Serving") -> "FeaturePredictor":
    """The predictor of a version, loaded once per process. Two are kept: items of two versions may alternate."""
    from services.serving import load_serving

    return load_serving(serving)


def load_serving_predictor(settings: Settings) -> None:
    """Load the version that serves now, and the routing strategy, so that the processes of a pool share them.

    Raises a typed error if one cannot be loaded.
    """
    from services.serving import ModelFolders, serving_version

    with open_session(settings.required_database_url) as session:
        predictor(serving_version(session, settings.enrich.predictor, ModelFolders.of(settings)))
    strategy(settings.routing.strategy, settings.artifacts_dir)
