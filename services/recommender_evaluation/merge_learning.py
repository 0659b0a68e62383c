"""Weights of the merger, learned on users of a split that nobody is judged by."""

from collections.abc import Callable

from models.recommenders.merging import MergeExample, MergeWeights, learn_weights
from models.recommenders.protocol import Recommender
from services.recommender_evaluation.ground import Ground


def learn_on(ground: Ground, m3: Callable[[int], Recommender | None], *, alone: bool = False) -> MergeWeights:
    """The weights with which M1, M2 and this M3 find most of what is held out from the users of the ground.

    `alone` says of M3 that it knows nothing of other users.
    """
    examples = []
    for done, user in enumerate(ground.users):
        ground.on_step("Validation: candidates of all models", done, len(ground.users))
        examples.append(MergeExample(ground.candidates(user, m3(user)), ground.split.held_out[user]))
    ground.on_step("Learning the weights of the merger", 0, None)
    return learn_weights(examples, {"measure": "NDCG@100", "items": len(ground.split.catalog)}, alone=alone)
