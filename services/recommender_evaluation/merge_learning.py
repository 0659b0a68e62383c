"""Weights of the merger, learned on users of a split that nobody is judged by."""

from models.recommenders.merging import MergeExample, MergeWeights, learn_weights
from services.recommender_evaluation.ground import Ground


def learn_on(ground: Ground) -> MergeWeights:
    """The weights with which the three models find most of what is held out from the users of the ground."""
    ground.train_all()
    examples = []
    for done, user in enumerate(ground.users):
        ground.on_step("Validation: candidates of all models", done, len(ground.users))
        examples.append(MergeExample(ground.candidates(user), ground.split.held_out[user]))
    ground.on_step("Learning the weights of the merger", 0, None)
    return learn_weights(examples, {"measure": "NDCG@100", "items": len(ground.split.catalog)})
