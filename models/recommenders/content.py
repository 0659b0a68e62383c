"""M2, content: which artists, words, albums and genres a user wants.

Two linear models over the same terms: a support vector machine that tells the user's items from others, and the
centroid of what the user has now. Their scores are added, each divided by its spread over the catalog.
"""

from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.content_files import ContentWeights, read_weights, write_weights
from models.recommenders.content_space import ContentSpace
from models.recommenders.content_svm import draw_sample, fit_svm
from models.recommenders.history import History
from models.recommenders.protocol import ModelFiles, Scored, TrainedModel, best_first

Floats = NDArray[np.float32]

DESIGN = "m2-1"
FEWEST_WANTED = 5
#: What the centroid counts beside the support vector machine. Where all items were known to the training it adds
#: nothing; it lets an answer follow what the user did since.
CENTROID_SHARE = 0.25
#: Terms that are kept; of smaller weights than this share of the largest one none is.
_MOST_TERMS = 20_000
_NEGLIGIBLE = 1e-3
#: Terms that people are shown.
_TOP_TERMS = 20


def train_content(space: ContentSpace, history: History, seed: int = 0) -> TrainedModel:
    """Learn which terms a user wants.

    Raises
    ------
    PermanentError
        `too-little-history`: fewer than `FEWEST_WANTED` items are wanted.
    """
    n_wanted = int(history.wanted().sum())
    if n_wanted < FEWEST_WANTED:
        raise PermanentError(
            "too-little-history", f"The content model needs {FEWEST_WANTED} wanted tracks; there are {n_wanted}."
        )
    sample = draw_sample(len(space), history, seed)
    learned = fit_svm(space, sample, seed)
    kept = _largest(learned)
    weights = np.zeros_like(learned)
    weights[kept] = learned[kept]
    model = ContentWeights(
        [space.terms[column] for column in kept.tolist()],
        learned[kept],
        _spread(space.rows @ weights),
        _spread(space.rows @ _centroid(space, history)),
    )
    metrics = {
        "wanted": n_wanted,
        "unwanted": len(history) - n_wanted,
        "drawn": len(sample.positions) - len(history),
        "terms": len(kept),
        "top_terms": _top_terms(space, learned),
        "terms_dropped": int(np.count_nonzero(learned)) - len(kept),
    }
    return TrainedModel(ModelKind.M2, DESIGN, write_weights(model), metrics)


class ContentRecommender:
    """The content model of one user over a catalog; see `Recommender`."""

    kind = ModelKind.M2

    def __init__(self, learned: ContentWeights, space: ContentSpace) -> None:
        columns = space.find(learned.terms)
        self._space = space
        # Many models are held in memory at once: their terms are kept as columns, and not as a dense vector.
        self._columns = columns[columns >= 0]
        self._weights = learned.weights[columns >= 0] / np.float32(learned.spread)
        self._centroid_share = np.float32(CENTROID_SHARE / learned.centroid_spread)

    @classmethod
    def from_files(cls, files: ModelFiles, space: ContentSpace) -> Self:
        """Read what `train_content` left; `PermanentError` (`user-model-corrupt`) where it cannot be read."""
        return cls(read_weights(files), space)

    def rank(self, history: History, excluded: NDArray[np.bool_], limit: int) -> Scored:
        """The items that fit best; see `Recommender.rank`."""
        return best_first(_scores_of_all(self, history), excluded, limit)

    def scores(self, history: History, positions: NDArray[np.intp]) -> Floats:
        """How well each item fits, [m]; see `Recommender.scores`."""
        return _scores_of_all(self, history)[positions]

    def score_all(self, history: History) -> Floats:
        """The score of every item, [n]."""
        return np.asarray(self._space.rows @ self._blend(history), dtype=np.float32)

    def _blend(self, history: History) -> Floats:
        """The weight of each term, [t]. What the user did since the training moves the centroid."""
        blend = self._centroid_share * _centroid(self._space, history)
        blend[self._columns] += self._weights
        return blend


# As many as there may be answers under way at once.
@lru_cache(maxsize=16)
def _scores_of_all(model: ContentRecommender, history: History) -> Floats:
    """An answer asks three times with the same history: M2 ranks, M3 has it rank, and what others found is scored."""
    return model.score_all(history)


def _top_terms(space: ContentSpace, weights: Floats) -> list[str]:
    """The terms that speak most for an item, such as "genre:shoegaze", for people who look at the model."""
    best = np.argsort(-weights, kind="stable")[:_TOP_TERMS]
    return [space.terms[column] for column in best.tolist() if weights[column] > 0]


def _centroid(space: ContentSpace, history: History) -> Floats:
    """The mean of what the user has by how much they want it, [t]; zeros where they want nothing."""
    weights = history.weights()
    total = weights.sum()
    if not total > 0:
        return np.zeros(len(space.terms), dtype=np.float32)
    return np.asarray(space.rows[history.positions].T @ (weights / total), dtype=np.float32)


def _largest(weights: Floats) -> NDArray[np.intp]:
    """Columns of the weights that matter, the largest first."""
    sizes = np.abs(weights)
    order = np.argsort(-sizes, kind="stable")[:_MOST_TERMS]
    return np.asarray(order[sizes[order] > _NEGLIGIBLE * sizes.max(initial=0)], dtype=np.intp)


def _spread(scores: Floats) -> float:
    """Standard deviation; 1 where all are the same."""
    return float(scores.std()) or 1.0
