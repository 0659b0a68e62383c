"""Train one model of one user: read the history, hold out, learn, compare, and let the new version serve."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.errors import NotNowError, PermanentError
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import ModelKind
from db.repositories import personalized_users as users
from integrations.model_storage import ModelStorage
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles
from services.personal import gate, life
from services.personal.catalog_store import current_catalog
from services.personal.gate import Figures, Split, UnusableScoresError
from services.personal.histories import load_history
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.trainers import Sources, sources_for

log = get_logger(__name__)

#: How often a training looks whether the user's tracks have their features by now.
_LOOK_AGAIN_S = 5.0


def run_user_training(session: Session, settings: Settings, payload: dict[str, Any]) -> dict[str, Any]:
    """Do what `services.personal.jobs` enqueued. The caller commits.

    Raises
    ------
    NotNowError
        `tracks-not-ready`: other jobs enrich tracks of the user, and there is patience left.
    """
    [user_id], kind = payload["targets"], ModelKind(payload["version"])
    # M1 learns from features, and the other two come after it.
    unready = users.count_under_enrichment(session, user_id) if kind is ModelKind.M1 else 0
    if unready and datetime.now(UTC) < datetime.fromisoformat(payload["deadline"]):
        message = f"{unready} tracks of user {user_id} are being enriched; the training waits for them."
        raise NotNowError(message, _LOOK_AGAIN_S, code="tracks-not-ready")
    result = train_user_model(session, settings, user_id, kind)
    if unready:
        # They will be learned from once they are ready.
        users.mark_outdated(session, [user_id])
    return result


def train_user_model(session: Session, settings: Settings, user_id: int, kind: ModelKind) -> dict[str, Any]:
    """Train, compare with what serves, and store if it is not worse. The caller commits.

    Returns
    -------
    result
        `trained`: there was enough history. `swapped`: the new version serves. `reason`: why, or why not. `version`;
        `auc`, `serving_auc` and `held_out` as in `services.personal.gate.Figures`.

    Raises
    ------
    PermanentError
        `not-found`: there is no such user, or no more.
    RetryableError
        `model-storage-unavailable`, `recommendations-busy`, `database-unavailable`.
    """
    from threadpoolctl import threadpool_limits

    loaded, history = _read(session, settings, user_id)
    storage = life.storage_of(settings)
    sources = sources_for(session, storage, loaded, user_id, kind)
    parts = gate.split(loaded.catalog, history, kind)
    # The processes of the worker are its parallelism.
    with threadpool_limits(1):
        try:
            trained = sources.train(parts.fit)
        except PermanentError as error:
            if error.code != "too-little-history":
                raise
            return {"model": kind, "trained": False, "swapped": False, "reason": error.message}
        comparison = _Comparison(session, storage, user_id, sources, parts, history, settings.personal.gate_tolerance)
        stored = life.store_version(session, storage, user_id, trained, comparison.judge)
    return {
        "model": kind,
        "trained": True,
        "swapped": stored.row is not None,
        "version": stored.version,
        "reason": stored.reason,
        **comparison.figures,
    }


def _read(session: Session, settings: Settings, user_id: int) -> tuple[LoadedCatalog, History]:
    """The catalog, and what the user did. Where the catalog lacks something of theirs, it is read anew."""
    loaded = current_catalog(settings)
    history = load_history(session, user_id, loaded.catalog)
    lacks_tracks = len(history) < len(users.track_ids_of_user(session, user_id))
    if lacks_tracks or np.isnan(loaded.catalog.features[history.positions]).any():
        loaded = current_catalog(settings, fresh=True)
        history = load_history(session, user_id, loaded.catalog)
    return loaded, history


@dataclass
class _Comparison:
    """The gate of one training; keeps the figures for its record."""

    session: Session
    storage: ModelStorage
    user_id: int
    sources: Sources
    parts: Split
    history: History
    tolerance: float
    figures: dict[str, Any] = field(default_factory=dict)

    def judge(self, files: ModelFiles) -> life.Verdict:
        """Compare the new version with the one that serves now."""
        rest = gate.others(self.sources.loaded.catalog, self.history)
        try:
            own = gate.auc(self.sources.open(files), self.parts, rest)
        except UnusableScoresError as error:
            return life.Verdict(False, f"It gives {error}.")
        found = Figures(len(self.parts.held_out), len(rest), own, None if own is None else self._serving_auc(rest))
        self.figures = asdict(found)
        passed, reason = gate.judge(found, self.tolerance)
        return life.Verdict(passed, reason, {"gate": self.figures})

    def _serving_auc(self, rest: gate.Positions) -> float | None:
        row = life.serving(self.session, self.user_id, self.sources.kind)
        if row is None:
            stand_in = self.sources.stand_in()
            return None if stand_in is None else gate.auc(stand_in, self.parts, rest)
        if gate.saw_everything(row.metrics):
            return None
        try:
            return gate.auc(self.sources.open(life.load_files(self.storage, row)), self.parts, rest)
        except (PermanentError, UnusableScoresError) as error:
            log.warning("serving_version_not_comparable", version=row.version, reason=str(error))
            return None
