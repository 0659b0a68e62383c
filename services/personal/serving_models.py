"""The recommenders of users in the memory of a process: versions that serve, loaded once, kept while they are used."""

import math
import os
import sys
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from sqlalchemy.orm import Session

from core.errors import MusicSpaceError
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import ModelKind
from db.repositories.user_models import UserModelRow
from integrations.model_storage import ModelStorage
from models.recommenders.audio_profile import AudioProfileRecommender, fallback_profile
from models.recommenders.collaborative import CollaborativeRecommender
from models.recommenders.community import CommunityModel
from models.recommenders.content import ContentRecommender
from models.recommenders.merging import MergeWeights, default_weights, read_weights
from models.recommenders.protocol import ModelFiles, Recommender
from services.personal import life
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.recently_used import RecentlyUsed

log = get_logger(__name__)

T = TypeVar("T")

#: How long a request waits for another one that loads the same model.
_WAIT_SECONDS = 20.0
#: A version that could not be loaded is tried again after this long.
_RETRY_SECONDS = 30.0
_MOST_FAILURES = 1_000
#: Errors that leave a user without their model, not without an answer.
_UNUSABLE = ("user-model-corrupt", "model-storage-unavailable")
#: Of all users: the one in use, and its successor.
_COMMUNITIES = 2
#: What a loaded model holds for each track of the library, about; its files come on top.
_BYTES_PER_TRACK = 8
#: In the files of the community's model.
MERGE_FILE = "merge.json"


class ServedState(StrEnum):
    """Where a recommender comes from."""

    PERSONAL = "personal"  #: A version trained for the user.
    FALLBACK = "fallback"  #: What is known of all users, or of the library.
    MISSING = "missing"  #: There is none, and nothing stands in for it.


@dataclass(frozen=True, slots=True)
class Served:
    """A recommender at hand, or why there is none."""

    state: ServedState
    recommender: Recommender | None
    version: str | None = None  #: Of the model that answers; of a fallback, that of the community's model.
    reason: str | None = None  #: Why the user's own model does not answer, and what does.


@dataclass(frozen=True, slots=True)
class Community:
    """What users have in common, and how the models are best merged."""

    version: str
    model: CommunityModel
    weights: MergeWeights


@dataclass(frozen=True, slots=True)
class ServedModels:
    """All that answers one request."""

    by_kind: Mapping[ModelKind, Served]
    weights: MergeWeights
    community: Community | None


@dataclass(frozen=True, slots=True)
class _Request:
    """Where one request finds models."""

    session: Session
    storage: ModelStorage
    loaded: LoadedCatalog
    scope: str  #: Row ids and stamps mean something within one database.

    def key(self, *names: Hashable) -> Hashable:
        """Under which something made upon this catalog is kept."""
        return (self.scope, self.loaded.stamp, *names)

    @property
    def model_bytes(self) -> int:
        """What a model bound to this catalog takes, about, beside its files."""
        return _BYTES_PER_TRACK * len(self.loaded.catalog)


class ServingModels:
    """Keeps what it has loaded; for all threads of a process. Rows are looked up anew for every request."""

    def __init__(self, max_models: int, max_bytes: int) -> None:
        self._kept: RecentlyUsed[Recommender] = RecentlyUsed(max_models, max_bytes, _WAIT_SECONDS)
        # Bounded by number alone: if one that is loaded for the next catalog threw out the one in use, that would be
        # loaded again, and throw out the next.
        self._communities: RecentlyUsed[Community] = RecentlyUsed(_COMMUNITIES, sys.maxsize, _WAIT_SECONDS)
        self._failed: dict[str, tuple[float, MusicSpaceError]] = {}

    def of_user(
        self, session: Session, settings: Settings, user_id: int, loaded: LoadedCatalog, kinds: Collection[ModelKind]
    ) -> ServedModels:
        """The wanted models of a user by now. Versions are marked as used, which the caller commits."""
        request = _Request(session, life.storage_of(settings), loaded, settings.required_database_url)
        # M3 looks at what the other two say.
        needed = list(ModelKind) if ModelKind.M3 in kinds else list(kinds)
        rows = {kind: life.serving(session, user_id, kind) for kind in needed}
        community = self._community(request) if ModelKind.M3 in kinds else None
        served: dict[ModelKind, Served] = {}
        if ModelKind.M1 in needed:
            served[ModelKind.M1] = self._audio(request, rows[ModelKind.M1])
        if ModelKind.M2 in needed:
            served[ModelKind.M2] = self._content(request, rows[ModelKind.M2])
        if ModelKind.M3 in needed:
            served[ModelKind.M3] = self._behavior(request, rows[ModelKind.M3], community, list(served.values()))
        return ServedModels(
            {kind: served[kind] for kind in sorted(kinds)},
            default_weights(alone=True) if community is None else community.weights,
            community,
        )

    def _audio(self, request: _Request, row: UserModelRow | None) -> Served:
        catalog = request.loaded.catalog
        own = self._own(request, row, lambda files: AudioProfileRecommender.from_files(files, catalog))
        if own.recommender is not None:
            return own
        mean = self._kept.get(request.key("mean profile"), lambda: (fallback_profile(catalog), request.model_bytes))
        return Served(ServedState.FALLBACK, mean, reason=f"{own.reason} The mean profile of the library answers.")

    def _content(self, request: _Request, row: UserModelRow | None) -> Served:
        return self._own(request, row, lambda files: ContentRecommender.from_files(files, request.loaded.space))

    def _behavior(
        self, request: _Request, row: UserModelRow | None, community: Community | None, others: list[Served]
    ) -> Served:
        """M3, bound to the other two; what was bound to other versions of them is not used again."""
        companions = [other.recommender for other in others if other.recommender is not None]
        shared, version = (None, None) if community is None else (community.model, community.version)
        upon = (version, *(other.version for other in others))

        def build(files: ModelFiles | None) -> Recommender:
            return CollaborativeRecommender.from_files(files, request.loaded.catalog, shared, companions)

        own = _unfit(row, community) or self._own(request, row, build, *upon)
        if own.recommender is not None:
            return own
        common = self._kept.get(request.key("common", *upon), lambda: (build(None), request.model_bytes))
        answers = "What is popular answers." if community is None else "What users have in common answers."
        return Served(ServedState.FALLBACK, common, version, f"{own.reason} {answers}")

    def _community(self, request: _Request) -> Community | None:
        row = life.serving(request.session, None, ModelKind.M3)
        if row is None:
            return None

        def load() -> tuple[Community, int]:
            files = life.load_files(request.storage, row)
            weights = read_weights(files[MERGE_FILE].decode()) if MERGE_FILE in files else default_weights()
            model = CommunityModel.from_files(files, request.loaded.catalog)
            return Community(row.version, model, weights), row.size_bytes

        found = self._usable(row, lambda: self._communities.get(request.key(row.version), load))
        return found if isinstance(found, Community) and life.touch(request.session, row.id) else None

    def _own(
        self,
        request: _Request,
        row: UserModelRow | None,
        build: Callable[[ModelFiles], Recommender],
        *upon: Hashable,
    ) -> Served:
        """The user's own model; not if there is none, if its files cannot be used, or if it is being deleted."""
        if row is None or not life.touch(request.session, row.id):
            return Served(ServedState.MISSING, None, reason="No model of this kind has been trained for the user.")

        def load() -> tuple[Recommender, int]:
            return build(life.load_files(request.storage, row)), row.size_bytes + request.model_bytes

        found = self._usable(row, lambda: self._kept.get(request.key(row.version, *upon), load))
        if isinstance(found, MusicSpaceError):
            # Files go shortly after a newer version came.
            newer = life.serving(request.session, row.user_id, row.kind)
            if newer is not None and newer.version != row.version:
                return self._own(request, newer, build, *upon)
            return Served(ServedState.MISSING, None, reason=f"The user's model cannot be used [{found.code}].")
        return Served(ServedState.PERSONAL, found, row.version)

    def _usable(self, row: UserModelRow, load: Callable[[], T]) -> T | MusicSpaceError:
        """What `load` gives, or why it could not; who failed lately is not tried again yet."""
        tried_at, failure = self._failed.get(row.version, (-math.inf, None))
        if failure is not None and time.monotonic() < tried_at + _RETRY_SECONDS:
            return failure
        try:
            found = load()
        except MusicSpaceError as error:
            if error.code not in _UNUSABLE:
                raise
            log.warning("user_model_unusable", path=row.path, code=error.code, reason=error.message)
            if len(self._failed) >= _MOST_FAILURES:
                self._failed.clear()
            self._failed[row.version] = (time.monotonic(), error)
            return error
        self._failed.pop(row.version, None)
        return found


def _unfit(row: UserModelRow | None, community: Community | None) -> Served | None:
    """What to say of a user's M3 that was trained upon other knowledge than is at hand; None where it fits.

    Its trees ask for scores that nobody gives then. Such a model ranked held-out tracks clearly worse than the
    community alone (AUC .92 and .99), and no better than popularity where there is no community (.82).
    """
    needs_community = None if row is None else row.metrics.get("fine_tuned")
    if needs_community is None or needs_community == (community is not None):
        return None
    why = (
        "The user's model builds on what users have in common, which is not at hand."
        if needs_community
        else "The user's model was trained before it was known what users have in common; it is to be trained anew."
    )
    return Served(ServedState.MISSING, None, reason=why)


def serving_models_of(settings: Settings) -> ServingModels:
    """Those of this process."""
    return _serving_models(settings.personal.loaded_models, settings.personal.loaded_megabytes, os.getpid())


@lru_cache(maxsize=1)
def _serving_models(max_models: int, max_megabytes: int, pid: int) -> ServingModels:
    return ServingModels(max_models, max_megabytes * 1_000_000)
