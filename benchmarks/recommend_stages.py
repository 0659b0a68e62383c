"""Training the users of the measurement of recommendations, and the steps of one answer."""

import time
from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from core.settings import Settings
from core.user_models import ModelKind
from services.personal.ballot import vote, voters
from services.personal.catalog_store import current_catalog
from services.personal.community_training import run_community_training
from services.personal.histories import load_history
from services.personal.recommending import choose, explain_all, recommend
from services.personal.serving_models import serving_models_of
from services.personal.training import train_user_model
from services.personal.wishes import Wish, excluded_tracks


def train(session: Session, settings: Settings, user_id: int) -> Iterator[tuple[str, float]]:
    """Train what users have in common and the three models of one user; says how long each took, in seconds."""
    started = time.perf_counter()
    run_community_training(session, settings, on_progress=lambda *_: None)
    yield "train what users have in common", time.perf_counter() - started
    for kind in ModelKind:
        started = time.perf_counter()
        train_user_model(session, settings, user_id, kind)
        yield f"train {kind.upper()}", time.perf_counter() - started


def stages(session: Session, settings: Settings, user_id: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The steps of one answer, each upon what the one before has left."""
    wish = Wish(limit=20)
    loaded = current_catalog(settings)
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
    for kind, each in recommenders.items():
        yield f"rank by {kind.upper()}", lambda each=each: each.rank(history, excluded, candidates)
    yield (
        "rank by all, score the union, merge",
        lambda: vote(recommenders, models.weights, history, excluded, candidates),
    )
    ballot = vote(recommenders, models.weights, history, excluded, candidates)
    diversity = settings.recommend.diversity
    yield "choose for variety", lambda: choose(loaded, ballot, wish.limit, diversity)
    chosen = choose(loaded, ballot, wish.limit, diversity)
    yield "give reasons", lambda: explain_all(loaded, models, history, chosen, is_fallback=False)
    yield "everything", lambda: recommend(session, settings, user_id, wish)
