"""Recommendations for a user: candidates of every model, one ranking out of all, variety, and reasons."""

from collections.abc import Collection, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.settings import Settings
from core.user_models import ModelKind
from db.engine import open_session
from db.repositories.model_usage import users_with_models
from models.recommenders.catalog import Catalog
from models.recommenders.diversity import diversify
from models.recommenders.history import History, plays_only
from models.recommenders.merging import MergeWeights
from models.recommenders.protocol import Recommender
from models.recommenders.reasons import Reason, explain
from services.personal.answers import Answer, AnsweringModel, Because, RecommendedTrack
from services.personal.ballot import Ballot, vote, voters
from services.personal.catalog_store import current_catalog
from services.personal.histories import load_history
from services.personal.loaded_catalog import LoadedCatalog
from services.personal.partners import partners
from services.personal.serving_models import ServedModels, ServedState, serving_models_of
from services.personal.wishes import Wish, excluded_tracks

#: Variety is sought among so many times the tracks that are asked for.
_CHOICE = 10
#: So many times as many candidates are asked for next.
_MORE = 4
#: The id of no user.
_NOBODY = 0


def recommend(
    session: Session, settings: Settings, user_id: int, wish: Wish, kinds: Collection[ModelKind] = tuple(ModelKind)
) -> Answer:
    """What a user may like, by all models or by some. Models are marked as used, which the caller commits.

    A user without a model is answered by what stands in for it; where nothing does, or nothing is left to choose
    among, the answer has no tracks and says why.

    Raises
    ------
    PermanentError
        `not-found`: there is no such user. `invalid-request`: the wish cannot be met.
    RetryableError
        `recommendations-busy`: the library is still being read; `database-unavailable`.
    """
    if wish.limit > settings.recommend.max_limit:
        raise PermanentError(
            "invalid-request",
            f"limit is at most {settings.recommend.max_limit} (MUSICSPACE_RECOMMEND__MAX_LIMIT), not {wish.limit}.",
        )
    loaded = current_catalog(settings, prepare=partial(_rehearse, settings))
    history = load_history(session, user_id, loaded.catalog)
    return _answer(session, settings, user_id, loaded, history, wish, kinds)


def warm_up(settings: Settings) -> None:
    """Read what all answers have in common, so that nobody waits for it; nothing where no user has a model.

    Raises
    ------
    RetryableError
        `recommendations-busy`: others read the library and take long; `database-unavailable`.
    """
    with open_session(settings.required_database_url) as session:
        needed = users_with_models(session) > 0
    if needed:
        current_catalog(settings, prepare=partial(_rehearse, settings))


def _rehearse(settings: Settings, loaded: LoadedCatalog) -> None:
    """Answer somebody who played one track: whatever that makes upon this catalog is there for all who ask."""
    one = np.arange(min(1, len(loaded.catalog)))
    with open_session(settings.required_database_url) as session:
        history = plays_only(one, np.ones(len(one), dtype=np.float32))
        _answer(session, settings, _NOBODY, loaded, history, Wish(limit=2), tuple(ModelKind))


def _answer(
    session: Session,
    settings: Settings,
    user_id: int,
    loaded: LoadedCatalog,
    history: History,
    wish: Wish,
    kinds: Collection[ModelKind],
) -> Answer:
    excluded = excluded_tracks(loaded, history, wish)
    models = serving_models_of(settings).of_user(session, settings, user_id, loaded, kinds)
    asked = voters(models, history)
    candidates = max(settings.recommend.candidates, wish.limit)
    ballot = propose(loaded, asked, models.weights, history, excluded, candidates, wish.limit)
    diversity = settings.recommend.diversity if wish.diversity is None else wish.diversity
    chosen = choose(loaded, ballot, wish.limit, diversity)
    knows_user = any(models.by_kind[kind].state is ServedState.PERSONAL for kind in asked)
    reasons = explain_all(loaded, models, history, chosen, is_fallback=not knows_user)
    return Answer(
        user_id,
        int(len(excluded) - excluded.sum()),
        {kind: _describe(models, kind, ballot.weights) for kind in models.by_kind},
        _tracks(loaded.catalog, chosen, reasons),
    )


def propose(
    loaded: LoadedCatalog,
    recommenders: Mapping[ModelKind, Recommender],
    weights: MergeWeights,
    history: History,
    excluded: NDArray[np.bool_],
    candidates: int,
    limit: int,
) -> Ballot:
    """Let each propose its best `candidates`; more where these hold the same few recordings again and again."""
    open_to = len(excluded) - int(excluded.sum())
    while True:
        ballot = vote(recommenders, weights, history, excluded, candidates)
        found = len(_first_of_each(loaded.recordings[ballot.merged.positions]))
        if found >= limit or candidates >= open_to:
            return ballot
        candidates *= _MORE


def choose(loaded: LoadedCatalog, ballot: Ballot, limit: int, diversity: float) -> Ballot:
    """At most `limit` different recordings, relevant and unlike each other, in the order chosen."""
    best = ballot.take(_first_of_each(loaded.recordings[ballot.merged.positions])[: _CHOICE * limit])
    picked = diversify(best.merged.positions, best.merged.scores, loaded.similarity, limit, diversity)
    return best.take(picked)


def explain_all(
    loaded: LoadedCatalog, models: ServedModels, history: History, chosen: Ballot, *, is_fallback: bool
) -> list[list[Reason]]:
    """Why each of the chosen tracks is recommended."""
    community = None if models.community is None else models.community.model
    together = partners(loaded.space, community, history, chosen.merged.positions)
    return explain(loaded.catalog, history, chosen.merged.positions, together, is_fallback)


def _first_of_each(values: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where each value comes for the first time, ascending."""
    return np.sort(np.unique(values, return_index=True)[1]).astype(np.intp)


def _describe(models: ServedModels, kind: ModelKind, weights: Mapping[ModelKind, float]) -> AnsweringModel:
    own = models.by_kind[kind]
    return AnsweringModel(own.state, own.version, weights.get(kind, 0.0), own.reason)


def _tracks(catalog: Catalog, chosen: Ballot, reasons: list[list[Reason]]) -> list[RecommendedTrack]:
    def track(row: int, position: int) -> RecommendedTrack:
        return RecommendedTrack(
            track_id=int(catalog.item_ids[position]),
            artist=catalog.artists[position],
            title=catalog.titles[position],
            album=catalog.albums[position],
            score=float(chosen.merged.scores[row]),
            contributions={kind: float(own[row]) for kind, own in chosen.contributions.items()},
            reasons=[_because(catalog, reason) for reason in reasons[row]],
            nearest_features=next((reason.features for reason in reasons[row] if reason.features), ()),
        )

    return [track(row, position) for row, position in enumerate(chosen.merged.positions.tolist())]


def _because(catalog: Catalog, reason: Reason) -> Because:
    related = int(catalog.item_ids[reason.related[0]]) if reason.related else None
    return Because(reason.text, related)
