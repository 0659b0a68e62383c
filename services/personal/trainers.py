"""What each kind of model is learned from, and how its files become a recommender again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.telemetry import get_logger
from core.user_models import ModelKind
from integrations.model_storage import ModelStorage
from models.recommenders.audio_profile import AudioProfileRecommender, fallback_profile, train_audio_profile
from models.recommenders.collaborative import CollaborativeRecommender, train_collaborative
from models.recommenders.community import CommunityModel
from models.recommenders.content import ContentRecommender, train_content
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles, Recommender, TrainedModel
from services.personal import life
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.recently_used import RecentlyUsed

log = get_logger(__name__)

# One that many trainings share, however many users there are.
_community: RecentlyUsed[CommunityModel] = RecentlyUsed(max_values=1, max_bytes=0, wait_seconds=math.inf)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a model of a user is built upon."""

    kind: ModelKind
    loaded: LoadedCatalog
    community: CommunityModel | None = None  #: For M3.
    companions: Sequence[Recommender] = ()  #: For M3: M1, or what stands in for it, and M2 if there is one.

    def train(self, history: History) -> TrainedModel:
        """Learn from a history. Raises `PermanentError` (`too-little-history`)."""
        if self.kind is ModelKind.M1:
            return train_audio_profile(self.loaded.catalog, history)
        if self.kind is ModelKind.M2:
            return train_content(self.loaded.space, history)
        return train_collaborative(self.loaded.catalog, history, self.community, self.companions)

    def open(self, files: ModelFiles) -> Recommender:
        """The recommender that was stored in files. Raises a typed error where they cannot be read."""
        if self.kind is ModelKind.M1:
            return AudioProfileRecommender.from_files(files, self.loaded.catalog)
        if self.kind is ModelKind.M2:
            return ContentRecommender.from_files(files, self.loaded.space)
        return self._behavior(files)

    def stand_in(self) -> Recommender | None:
        """What knows this user while they have no M3 of their own: what users have in common."""
        return self._behavior(None) if self.kind is ModelKind.M3 and self.community is not None else None

    def _behavior(self, files: ModelFiles | None) -> Recommender:
        return CollaborativeRecommender.from_files(files, self.loaded.catalog, self.community, self.companions)


def sources_for(
    session: Session, storage: ModelStorage, loaded: LoadedCatalog, user_id: int, kind: ModelKind
) -> Sources:
    """What the model of a user is learned from: for M3 also what users have in common, and what M1 and M2 say."""
    if kind is not ModelKind.M3:
        return Sources(kind, loaded)
    audio = _companion(session, storage, loaded, user_id, ModelKind.M1) or fallback_profile(loaded.catalog)
    content = _companion(session, storage, loaded, user_id, ModelKind.M2)
    companions = (audio,) if content is None else (audio, content)
    return Sources(kind, loaded, serving_community(session, storage, loaded), companions)


def serving_community(session: Session, storage: ModelStorage, loaded: LoadedCatalog) -> CommunityModel | None:
    """What users have in common, by the version that serves; kept in memory while it does."""
    row = life.serving(session, None, ModelKind.M3)
    if row is None:
        return None

    def load() -> tuple[CommunityModel, int]:
        return CommunityModel.from_files(life.load_files(storage, row), loaded.catalog), 0

    return _community.get((row.path, row.id, loaded.stamp), load)


def _companion(
    session: Session, storage: ModelStorage, loaded: LoadedCatalog, user_id: int, kind: ModelKind
) -> Recommender | None:
    row = life.serving(session, user_id, kind)
    if row is None:
        return None
    try:
        return Sources(kind, loaded).open(life.load_files(storage, row))
    except PermanentError as error:
        log.warning("companion_left_out", user_id=user_id, model=kind, code=error.code, reason=error.message)
        return None
