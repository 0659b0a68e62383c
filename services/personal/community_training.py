"""Train what all users have in common, and how their models are best merged; it serves if it is not worse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import ModelKind, UserModelState
from db.engine import open_session
from db.repositories.personalized_users import mark_misfits
from db.repositories.user_data import community_knows_removed, retire_community
from integrations.model_storage import ModelStorage
from models.recommenders.community import CommunityModel, CommunityOptions, train_community
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles, TrainedModel
from services.personal import life
from services.personal.catalog_store import current_catalog
from services.personal.community_validation import ValidationUser, hold_out, learn_merge_weights, mean_ndcg
from services.personal.histories import load_histories
from services.personal.jobs import COMMUNITY_MIN_TRACKS
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.serving_models import MERGE_FILE

log = get_logger(__name__)

OnProgress = Callable[[int, int], None]


def run_community_training(session: Session, settings: Settings, *, on_progress: OnProgress) -> dict[str, Any]:
    """Train on the most active users, validate, and store if it is not worse. The caller commits.

    Returns
    -------
    result
        `swapped`: the new version serves. `reason`: why, or why not. `version`, `users`, and the figures of the gate.

    Raises
    ------
    PermanentError
        `too-little-history`: fewer users than `MUSICSPACE_PERSONAL__COMMUNITY_MIN_USERS` have enough history.
    RetryableError
        `model-storage-unavailable`, `recommendations-busy`, `database-unavailable`.
    """
    from threadpoolctl import threadpool_limits

    loaded = current_catalog(settings, fresh=True)
    histories = _histories(settings, loaded)
    fits, validation = hold_out(loaded, histories)
    with threadpool_limits(1):
        trained = train_community(loaded.catalog, fits, CommunityOptions(), on_progress)
        community = CommunityModel.from_files(trained.files, loaded.catalog)
        trained = _with_weights(trained, community, loaded, validation)
        storage = life.storage_of(settings)
        tolerance, longest_s = settings.personal.gate_tolerance, settings.train.time_limit_seconds
        comparison = _Comparison(session, storage, loaded, validation, tolerance, longest_s)
        stored = life.store_version(session, storage, None, trained, comparison.judge)
    if stored.row is not None:
        # No roll-back to what was learned from users who were removed since.
        retire_community(session, longest_s, [UserModelState.PREVIOUS])
        mark_misfits(session)
    return {
        "model": ModelKind.M3,
        "users": len(histories),
        "swapped": stored.row is not None,
        "version": stored.version,
        "reason": stored.reason,
        **comparison.figures,
    }


def _histories(settings: Settings, loaded: LoadedCatalog) -> dict[int, History]:
    # A session of its own: no transaction stays open while minutes of training go by.
    with open_session(settings.required_database_url) as session:
        found = load_histories(session, loaded.catalog, settings.personal.community_max_users)
    useful = {
        user_id: history for user_id, history in found.items() if int(history.wanted().sum()) >= COMMUNITY_MIN_TRACKS
    }
    fewest = settings.personal.community_min_users
    if len(useful) < fewest:
        raise PermanentError(
            "too-little-history",
            f"{len(useful)} users have {COMMUNITY_MIN_TRACKS} wanted tracks; {fewest} must "
            "(MUSICSPACE_PERSONAL__COMMUNITY_MIN_USERS).",
        )
    return useful


def _with_weights(
    trained: TrainedModel, community: CommunityModel, loaded: LoadedCatalog, users: list[ValidationUser]
) -> TrainedModel:
    weights = learn_merge_weights(community, loaded, users)
    return replace(trained, files={**trained.files, MERGE_FILE: weights.to_json().encode()})


@dataclass
class _Comparison:
    """The gate of one training; keeps the figures for its record."""

    session: Session
    storage: ModelStorage
    loaded: LoadedCatalog
    users: list[ValidationUser]
    tolerance: float
    longest_s: float  #: How long a training may take.
    figures: dict[str, Any] = field(default_factory=dict)

    def judge(self, files: ModelFiles) -> life.Verdict:
        """Compare the new version with the one that serves now, by NDCG@100."""
        own = mean_ndcg(CommunityModel.from_files(files, self.loaded.catalog), self.loaded, self.users)
        serving = None if own is None else self._serving_ndcg()
        self.figures = {"validation_users": len(self.users), "ndcg": own, "serving_ndcg": serving}
        if own is None or serving is None:
            return life.Verdict(True, "There is nothing to compare with.", {"gate": self.figures})
        reason = f"NDCG@100 {own:.4f}, that of the version that serves is {serving:.4f}"
        if own >= serving - self.tolerance:
            return life.Verdict(True, f"{reason}.", {"gate": self.figures})
        if community_knows_removed(self.session, self.longest_s):
            return life.Verdict(True, f"{reason}, but that one knows users who were removed.", {"gate": self.figures})
        return life.Verdict(False, f"{reason}; {self.tolerance:g} less would be accepted.", {"gate": self.figures})

    def _serving_ndcg(self) -> float | None:
        row = life.serving(self.session, None, ModelKind.M3)
        if row is None:
            return None
        try:
            serving = CommunityModel.from_files(life.load_files(self.storage, row), self.loaded.catalog)
        except PermanentError as error:
            log.warning("serving_version_not_comparable", version=row.version, reason=error.message)
            return None
        return mean_ndcg(serving, self.loaded, self.users)
