"""M3: behavior. A ranker over the candidates of a community, fine-tuned to the plays, likes and skips of one user.

Where no community is known, as on a fresh installation with one user, the ranker is trained on that user's rows alone,
with the scores of the companions M1 and M2 among its columns. Where one is, the companions only propose: they were
trained on the very items the fine-tuning learns from, so their scores of these would say too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.candidates import CANDIDATES, POPULAR, proposed
from models.recommenders.catalog import Catalog
from models.recommenders.collaborative_training import CARD_FILE, USER_FILE, train_collaborative
from models.recommenders.community import CommunityModel
from models.recommenders.generators import Generators
from models.recommenders.history import History
from models.recommenders.item_traits import ItemTraits, item_traits
from models.recommenders.popularity import Popularity
from models.recommenders.protocol import ModelFiles, Recommender, Scored, best_first
from models.recommenders.ranker import Ranker
from models.recommenders.stack_features import UserView, feature_rows, view_user

__all__ = ["CollaborativeRecommender", "train_collaborative"]

# What each companion proposes.
_OF_COMPANION = 100


@dataclass(frozen=True, slots=True, eq=False)
class CollaborativeRecommender:
    """See `models.recommenders.protocol.Recommender` for the contract."""

    kind: ClassVar[ModelKind] = ModelKind.M3

    traits: ItemTraits
    popularity: Popularity
    community: CommunityModel | None
    companions: Sequence[Recommender]
    ranker: Ranker | None  #: The user's own, else the community's, else None: then the most popular come first.
    is_personal: bool  #: Whether the ranker is the user's own.

    @classmethod
    def from_files(
        cls,
        files: ModelFiles | None,
        catalog: Catalog,
        community: CommunityModel | None,
        companions: Sequence[Recommender],
    ) -> Self:
        """Bind the files of a user's model to a catalog; without files the community answers, or popularity.

        Raises PermanentError user-model-corrupt where the files are not those of a model of this version.
        """
        ranker = community.ranker if community is not None else None
        if files is not None:
            missing = [name for name in (USER_FILE, CARD_FILE) if name not in files]
            if missing:
                raise PermanentError("user-model-corrupt", f"{missing[0]} is missing; train the user's M3 again.")
            ranker = Ranker.from_bytes(files[USER_FILE], USER_FILE)
        known = Popularity.of_catalog(catalog)
        if community is not None:
            known = Popularity(community.generators.listeners + known.listeners / np.float32(101))
        return cls(item_traits(catalog), known, community, tuple(companions), ranker, files is not None)

    def rank(self, history: History, excluded: NDArray[np.bool_], limit: int) -> Scored:
        """At most `limit` items, the best first; without a history, or without any model, the most popular."""
        if self.ranker is None or not history.wanted().any():
            return best_first(self.popularity.listeners, excluded, limit)
        return self._ranked(self.ranker, history, excluded, limit)

    def scores(self, history: History, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """The score of each item, [m]; an item of the history as if the user did not have it."""
        if self.ranker is None or not history.wanted().any():
            return self.popularity.listeners[positions]
        generators = self.community.generators if self.community is not None else None
        view = _view(history, self.traits, generators)
        return self.ranker.predict(feature_rows(view, self.traits, generators, positions, self._speaking()))

    def _ranked(self, ranker: Ranker, history: History, excluded: NDArray[np.bool_], limit: int) -> Scored:
        generators = self.community.generators if self.community is not None else None
        view = _view(history, self.traits, generators)
        sources = [proposed(view, excluded, max(CANDIDATES, limit))]
        sources += [companion.rank(history, excluded, _OF_COMPANION).positions for companion in self.companions]
        sources.append(best_first(self.popularity.listeners, excluded, POPULAR).positions)
        candidates = np.unique(np.concatenate(sources))
        scores = ranker.predict(feature_rows(view, self.traits, generators, candidates, self._speaking()))
        best = best_first(scores, np.zeros(len(candidates), dtype=np.bool_), limit)
        return Scored(candidates[best.positions], best.scores)

    def _speaking(self) -> Sequence[Recommender]:
        """Companions whose scores are columns."""
        return self.companions if self.community is None else ()


# As many as there may be answers under way at once.
@lru_cache(maxsize=16)
def _view(history: History, traits: ItemTraits, generators: Generators | None) -> UserView:
    """An answer ranks and then scores what others ranked, with the same history: it is looked at once."""
    return view_user(history, traits, generators)
