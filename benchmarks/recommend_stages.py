"""Training the users of the measurement of recommendations, and the steps of one answer."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from core.settings import Settings
from core.user_models import ModelKind
from models.recommenders.community import CommunityOptions, train_community
from models.recommenders.community_files import generator_files
from models.recommenders.generators import Generators
from models.recommenders.history import History
from models.recommenders.interaction_matrix import genre_rows, history_rows
from models.recommenders.protocol import Recommender
from services.personal import life
from services.personal.ballot import vote, voters
from services.personal.catalog_store import current_catalog
from services.personal.histories import load_histories, load_history
from services.personal.recommending import choose, explain_all, recommend
from services.personal.serving_models import serving_models_of
from services.personal.trainers import sources_for
from services.personal.wishes import Wish, excluded_tracks

#: Users that the ranker is grown on. What serving costs depends on the users the generators know, and those are all.
_RANKER_USERS = 100


def train(session: Session, settings: Settings, user_id: int) -> Iterator[tuple[str, float]]:
    """Train what users have in common and the three models of one user; says how long each took, in seconds."""
    started = time.perf_counter()
    n_users = _train_community(session, settings)
    yield f"train what {n_users:,} users have in common, the ranker on {_RANKER_USERS}", time.perf_counter() - started
    loaded, storage = current_catalog(settings), life.storage_of(settings)
    history = load_history(session, user_id, loaded.catalog)
    for kind in ModelKind:
        started = time.perf_counter()
        # No gate: it might turn down what is to be measured.
        trained = sources_for(session, storage, loaded, user_id, kind).train(history)
        life.store_version(session, storage, user_id, trained)
        yield f"train {kind.upper()}", time.perf_counter() - started


def _train_community(session: Session, settings: Settings) -> int:
    catalog = current_catalog(settings).catalog
    histories = list(load_histories(session, catalog, settings.personal.community_max_users).values())
    trained = train_community(catalog, histories[:_RANKER_USERS], CommunityOptions(folds=1), lambda done, total: None)
    generators = Generators.fit(history_rows(histories, len(catalog)), genre_rows(catalog))
    trained = replace(trained, files={**trained.files, **generator_files(generators, catalog)})
    life.store_version(session, life.storage_of(settings), None, trained)
    return len(histories)


def stages(session: Session, settings: Settings, user_id: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The steps of one answer, each upon what the one before has left."""
    wish = Wish(limit=20)
    # By now: what is found to have changed would be read beside the first step.
    loaded = current_catalog(settings, fresh=True)
    yield "read the history", lambda: load_history(session, user_id, loaded.catalog)
    history = load_history(session, user_id, loaded.catalog)
    serving = serving_models_of(settings)
    everything = tuple(ModelKind)
    yield "find the models", lambda: serving.of_user(session, settings, user_id, loaded, everything)
    models = serving.of_user(session, settings, user_id, loaded, everything)
    yield "exclude", lambda: excluded_tracks(loaded, history, wish)
    excluded = excluded_tracks(loaded, history, wish)
    recommenders = voters(models, history)
    candidates = settings.recommend.candidates

    def unseen() -> History:
        """What was found out about a history is kept for the rest of its answer; of a copy nothing is known yet."""
        return history.take(np.arange(len(history)))

    def rank(each: Recommender) -> object:
        return each.rank(unseen(), excluded, candidates)

    for kind, each in recommenders.items():
        yield f"rank by {kind.upper()}", partial(rank, each)
    yield (
        "rank by all, score the union, merge",
        lambda: vote(recommenders, models.weights, unseen(), excluded, candidates),
    )
    ballot = vote(recommenders, models.weights, history, excluded, candidates)
    diversity = settings.recommend.diversity
    yield "choose for variety", lambda: choose(loaded, ballot, wish.limit, diversity)
    chosen = choose(loaded, ballot, wish.limit, diversity)
    yield "give reasons", lambda: explain_all(loaded, models, history, chosen, is_fallback=False)
    yield "everything", lambda: recommend(session, settings, user_id, wish)
