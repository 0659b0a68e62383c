"""How good a model of what users have in common is: what it finds of items that it never saw some users have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.collaborative import CollaborativeRecommender
from models.recommenders.community import CommunityModel
from models.recommenders.history import History
from models.recommenders.protocol import Recommender
from services.personal.gate import item_hashes
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.trainers import Sources

if TYPE_CHECKING:
    from models.recommenders.merging import MergeWeights

#: Every second user takes part, up to so many: more change the figures by less than their noise.
MOST_USERS = 200
_ONE_USER_IN = 2
#: Of those who take part, one in so many items is held out.
_ONE_ITEM_IN = 10
#: Users that the weights of merging are learned from; for each of them three models are trained.
_MERGE_USERS = 100
_MERGE_CANDIDATES = 300
_CUTOFF = 100
_USER_SALT, _PAIR_SALT = 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class ValidationUser:
    """What is learned of a user, and what is asked for."""

    fit: History
    held_out: NDArray[np.intp]  #: Positions of wanted items, ascending, at least one.


def hold_out(loaded: LoadedCatalog, histories: Mapping[int, History]) -> tuple[list[History], list[ValidationUser]]:
    """What may be learned of all users, and the users to validate with.

    Who takes part follows from the user's id, and which items from both ids, so every training holds out the same, and
    every item is learned of somebody.
    """
    chosen = _chosen_users(np.array(sorted(histories), dtype=np.int64))
    fits, validation = [], []
    for user_id, history in histories.items():
        if user_id not in chosen:
            fits.append(history)
            continue
        pairs = loaded.catalog.item_ids[history.positions] ^ _spread(user_id)
        held = item_hashes(pairs, _PAIR_SALT) % _ONE_ITEM_IN == 0
        fit, asked = history.take(~held), history.positions[held & history.wanted()]
        fits.append(fit)
        if len(asked) and len(fit):
            validation.append(ValidationUser(fit, asked))
    return fits, validation


def mean_ndcg(community: CommunityModel, loaded: LoadedCatalog, users: list[ValidationUser]) -> float | None:
    """NDCG@100 of what the model alone recommends, mean over users; `None` without any."""
    from models.evaluation.ranking import find_hits, ndcg

    if not users:
        return None
    ranked = np.full((len(users), _CUTOFF), -1, dtype=np.intp)
    recommender = CollaborativeRecommender.from_files(None, loaded.catalog, community, ())
    for row, user in enumerate(users):
        found = recommender.rank(user.fit, _known(user, loaded), _CUTOFF).positions
        ranked[row, : len(found)] = found
    hits = find_hits(ranked, [user.held_out for user in users], len(loaded.catalog))
    n_relevant = np.array([len(user.held_out) for user in users], dtype=np.intp)
    return float(np.nanmean(ndcg(hits, n_relevant, _CUTOFF)))


def learn_merge_weights(
    community: CommunityModel, loaded: LoadedCatalog, users: list[ValidationUser]
) -> "MergeWeights":
    """How much each of the three models should say, by what they find of the held-out items of some users."""
    from models.recommenders.merging import MergeExample, learn_weights, score_candidates

    examples = []
    for user in users[:_MERGE_USERS]:
        models = _models_of(user, community, loaded)
        scored = score_candidates(models, user.fit, _known(user, loaded), _MERGE_CANDIDATES)
        examples.append(MergeExample(scored, user.held_out))
    return learn_weights(examples, {"measure": f"NDCG@{_CUTOFF}", "items": len(loaded.catalog)})


def _models_of(user: ValidationUser, community: CommunityModel, loaded: LoadedCatalog) -> list[Recommender]:
    """The models of a user, trained as a worker would; without those that have too little to learn from."""
    models: list[Recommender] = []
    for kind in ModelKind:
        behavior = kind is ModelKind.M3
        sources = Sources(kind, loaded, community if behavior else None, tuple(models) if behavior else ())
        try:
            models.append(sources.open(sources.train(user.fit).files))
        except PermanentError as error:
            if error.code != "too-little-history":
                raise
    return models


def _chosen_users(user_ids: NDArray[np.int64]) -> set[int]:
    hashes = item_hashes(user_ids, _USER_SALT)
    taking_part = np.flatnonzero(hashes % _ONE_USER_IN == 0)
    first = taking_part[np.argsort(hashes[taking_part], kind="stable")[:MOST_USERS]]
    return set(user_ids[first].tolist())


def _spread(user_id: int) -> np.int64:
    """The user's id as bits all over a number, so that pairs of small ids do not meet."""
    return np.int64(item_hashes(np.array([user_id], dtype=np.int64), _USER_SALT).view(np.int64)[0])


def _known(user: ValidationUser, loaded: LoadedCatalog) -> NDArray[np.bool_]:
    mask = np.zeros(len(loaded.catalog), dtype=np.bool_)
    mask[user.fit.positions] = True
    return mask
