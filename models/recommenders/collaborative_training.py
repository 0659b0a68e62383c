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
# Items taken as unwanted where no community proposes, for each wanted one, and at least.
_NEGATIVES, _FEWEST_NEGATIVES = 4, 100
# What all wanted items weigh together, where the others weigh 1. Most candidates are not wanted, and a balance
# would teach the new trees to take that back.
_SHARE_OF_WANTED = 0.25
# A dislike, or a skip that no play outweighs, is known; another item is only supposed to be unwanted. So much, because
# few rejections have to move leaves that are held back for the sake of all other examples.
_REJECTION_WEIGHT = 60.0


def train_collaborative(
    catalog: Catalog,
    history: History,
    community: CommunityModel | None,
    companions: Sequence[Recommender],
    seed: int = 0,
) -> TrainedModel:
    """Fine-tune the community's ranker to a user; without a community train on the user's rows and companions alone.

    Raises PermanentError too-little-history with fewer than `FEWEST_WANTED` wanted items, or without any others.
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
    """Wanted items by their weight, rejected ones, and others taken as unwanted."""
    traits = item_traits(catalog)
    generators = community.generators if community is not None else None
    row = history_rows([history], len(catalog))
    left_out = generators.most_alike(row) if generators is not None else None
    view = view_user(history, traits, generators, left_out)
    heaviest = np.argsort(-view.row.data, kind="stable")[:_MOST_WANTED]
    wanted, weights = view.row.indices[heaviest].astype(np.intp), view.row.data[heaviest]
    rejected = history.positions[_rejected(history)]
    others = _others(view, catalog, _NEGATIVES * len(wanted), seed)
    if not len(others):
        raise PermanentError(
            "too-little-history", "The user has every track there is; M3 has none to tell theirs from."
        )
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


def _others(view: UserView, catalog: Catalog, count: int, seed: int) -> NDArray[np.intp]:
    """Items the user does not have: all candidates, or where no community proposes a sample, half of it from all items.

    A sample of the candidates of a community would lower those that it happens to hold against the others, which are
    what is ranked later.
    """
    closed = np.zeros(len(catalog), dtype=np.bool_)
    closed[view.history.positions] = True
    popular = best_first(Popularity.of_catalog(catalog).listeners, closed, POPULAR).positions
    near = np.union1d(proposed(view, closed, CANDIDATES), popular)
    if view.listeners is not None:
        return near
    rng = np.random.default_rng(seed)
    count = max(count, _FEWEST_NEGATIVES)
    near = rng.choice(near, min(len(near), -(-count // 2)), replace=False)
    rest = np.setdiff1d(np.flatnonzero(~closed), near)
    return np.concatenate([near, rng.choice(rest, min(len(rest), count // 2), replace=False)])
