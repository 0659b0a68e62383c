"""One ranking out of those of several recommenders, and what each adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.user_models import ModelKind
from models.recommenders.history import History
from models.recommenders.merging import MergeWeights, merge, score_candidates
from models.recommenders.protocol import Recommender, Scored
from services.personal.serving_models import ServedModels, ServedState

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """Items with their merged scores, the best first, and what makes them up."""

    merged: Scored  #: [m]
    contributions: Mapping[ModelKind, Floats]  #: [m] each; they sum to the score.
    weights: Mapping[ModelKind, float]  #: The share of each, sum 1.

    def take(self, rows: NDArray[np.intp]) -> "Ballot":
        """The chosen rows, in their order."""
        scored = Scored(self.merged.positions[rows], self.merged.scores[rows])
        return Ballot(scored, {kind: own[rows] for kind, own in self.contributions.items()}, self.weights)


def voters(models: ServedModels, history: History) -> dict[ModelKind, Recommender]:
    """The recommenders whose ranking counts.

    What stands in for a missing model says the same to everybody, and counts only where no model knows the user. What
    users have in common does know a user who has a history.
    """
    at_hand = {kind: own.recommender for kind, own in models.by_kind.items() if own.recommender is not None}
    shared = models.community is not None and bool(history.wanted().any())
    knowing = {
        kind: recommender
        for kind, recommender in at_hand.items()
        if models.by_kind[kind].state is ServedState.PERSONAL or (kind is ModelKind.M3 and shared)
    }
    return knowing or at_hand


def vote(
    recommenders: Mapping[ModelKind, Recommender],
    weights: MergeWeights,
    history: History,
    excluded: NDArray[np.bool_],
    candidates: int,
) -> Ballot:
    """Let each propose its best items that are not excluded ([n]), and all of them score what any has proposed."""
    scored = score_candidates(recommenders.values(), history, excluded, candidates)
    merged = merge(scored, weights)
    shares = weights.of(scored)
    return Ballot(
        merged, {kind: shares[kind] * _alone(own, merged, kind, weights) for kind, own in scored.items()}, shares
    )


def _alone(own: Scored, merged: Scored, kind: ModelKind, weights: MergeWeights) -> Floats:
    """What the merged score of each item would be if this model had the whole say, [m]."""
    alone = merge({kind: own}, weights)
    order = np.argsort(alone.positions)
    return alone.scores[order[np.searchsorted(alone.positions, merged.positions, sorter=order)]]
