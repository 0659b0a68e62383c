"""Training of one user's M3: a few trees on top of the community's ranker, or from nothing."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.candidates import CANDIDATES, POPULAR, proposed
from models.recommenders.catalog import Catalog
from models.recommenders.community import DESIGN, CommunityModel
from models.recommenders.history import History
from models.recommenders.interaction_matrix import history_rows
from models.recommenders.item_traits import item_traits
from models.recommenders.popularity import Popularity
from models.recommenders.protocol import Recommender, TrainedModel, best_first
from models.recommenders.ranker import Ranker, TrainingRows
from models.recommenders.stack_features import COLUMNS, UserView, feature_rows, view_user

USER_FILE = "user.cbm"
CARD_FILE = "card.json"
FEWEST_WANTED = 5
# Own items that examples are made of; the heaviest are taken.
_MOST_WANTED = 1000
# Items taken as unwanted, for each wanted one, and at least.
_NEGATIVES, _FEWEST_NEGATIVES = 4, 100
# What all wanted items weigh together, where the sampled others weigh 1. Most candidates are not wanted, and a balance
# would teach the new trees to take that back.
_SHARE_OF_WANTED = 0.25
# A dislike, or a skip that no play outweighs, is known; a sampled item is only supposed to be unwanted.
_REJECTION_WEIGHT = 5.0


def train_collaborative(
    catalog: Catalog,
    history: History,
    community: CommunityModel | None,
    companions: Sequence[Recommender],
    seed: int = 0,
) -> TrainedModel:
    """Fine-tune the community's ranker to a user; without a community train on the user's rows and companions alone.

    Raises PermanentError too-little-history with fewer than `FEWEST_WANTED` wanted items.
    """
    n_wanted = int(history.wanted().sum())
    if n_wanted < FEWEST_WANTED:
        raise PermanentError("too-little-history", f"M3 needs {FEWEST_WANTED} wanted items; this user has {n_wanted}.")
    rows = training_rows(catalog, history, community, companions, seed)
    ranker = Ranker.fine_tune(community.ranker if community is not None else None, rows, seed)
    metrics = {"rows": len(rows.wanted), "wanted": int(rows.wanted.sum()), "fine_tuned": community is not None}
    card = {"design": DESIGN, "columns": list(COLUMNS), **metrics}
    files = {USER_FILE: ranker.to_bytes(), CARD_FILE: json.dumps(card, indent=1).encode()}
    return TrainedModel(ModelKind.M3, DESIGN, files, metrics)


def training_rows(
    catalog: Catalog,
    history: History,
    community: CommunityModel | None,
    companions: Sequence[Recommender],
    seed: int = 0,
) -> TrainingRows:
    """Wanted items by their weight, rejected ones, and a sample of candidates taken as unwanted."""
    traits = item_traits(catalog)
    generators = community.generators if community is not None else None
    row = history_rows([history], len(catalog))
    left_out = generators.most_alike(row) if generators is not None else None
    view = view_user(history, traits, generators, left_out)
    heaviest = np.argsort(-view.row.data, kind="stable")[:_MOST_WANTED]
    wanted, weights = view.row.indices[heaviest].astype(np.intp), view.row.data[heaviest]
    rejected = history.positions[_rejected(history)]
    others = _sampled(view, catalog, _NEGATIVES * len(wanted), seed)
    positions = np.concatenate([wanted, rejected, others])
    speaking = companions if community is None else ()
    return TrainingRows(
        feature_rows(view, traits, generators, positions, speaking),
        np.arange(len(positions)) < len(wanted),
        np.concatenate(
            [
                weights * (_SHARE_OF_WANTED * len(others) / weights.sum()),
                np.full(len(rejected), _REJECTION_WEIGHT),
                np.ones(len(others)),
            ]
        ).astype(np.float32),
    )


def _rejected(history: History) -> NDArray[np.bool_]:
    """Disliked, or skipped more often than played and not wanted, [k]."""
    return (history.likes < 0) | ((history.skips > history.plays) & ~history.wanted())


def _sampled(view: UserView, catalog: Catalog, count: int, seed: int) -> NDArray[np.intp]:
    """Items the user does not have: candidates, which must be told apart; half from all where no community proposes."""
    rng = np.random.default_rng(seed)
    closed = np.zeros(len(catalog), dtype=np.bool_)
    closed[view.history.positions] = True
    popular = best_first(Popularity.of_catalog(catalog).listeners, closed, POPULAR).positions
    near = np.union1d(proposed(view, closed, CANDIDATES), popular)
    count = max(count, _FEWEST_NEGATIVES)
    if view.listeners is not None:
        return rng.choice(near, min(len(near), count), replace=False)
    near = rng.choice(near, min(len(near), -(-count // 2)), replace=False)
    closed[near] = True
    rest = np.flatnonzero(~closed)
    return np.concatenate([near, rng.choice(rest, min(len(rest), count // 2), replace=False)])
