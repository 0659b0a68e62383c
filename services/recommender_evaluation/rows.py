"""The recommenders that are compared: each a title and a function that makes it ready on a ground."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from models.recommenders.merging import MergeWeights, merge
from models.recommenders.protocol import Recommender, Scored, best_first
from services.recommender_evaluation.figures import Rank
from services.recommender_evaluation.ground import SEED, Ground
from services.recommender_evaluation.merge_learning import learn_on
from services.recommender_evaluation.splits import evenly

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Users that an M3 of their own is trained for: all of them would take longer than everything else together.
_FINE_TUNED = 300


@dataclass(frozen=True, slots=True)
class Ready:
    """A recommender that has learned all it may."""

    rank: Rank
    fit_seconds: float
    weights: MergeWeights | None = None  #: Of a merger.
    users: Sequence[int] | None = None  #: The only ones it is ready for; None: all.


@dataclass(frozen=True, slots=True)
class RowKind:
    """A row of the table."""

    title: str
    make: Callable[[Ground], Ready]
    #: One method by itself: M3 and the merger are measured against the best of these.
    single: bool = True


class _MatrixModel(Protocol):
    def scores(self, row: "csr_array") -> NDArray[np.float32]: ...


def _random(ground: Ground) -> Ready:
    def rank(user: int, limit: int) -> Scored:
        scores = np.random.default_rng((SEED, user)).random(len(ground.split.catalog), dtype=np.float32)
        return best_first(scores, ground.split.excluded(user), limit)

    return Ready(rank, 0.0)


def _popularity(ground: Ground) -> Ready:
    from models.recommenders.popularity import Popularity

    return _of_matrix(ground, Popularity.fit)


def _item_knn(ground: Ground) -> Ready:
    from models.recommenders.item_knn import ItemKnn

    return _of_matrix(ground, ItemKnn.fit)


def _ease(ground: Ground) -> Ready:
    from models.recommenders.ease import Ease

    return _of_matrix(ground, Ease.fit)


def _als(ground: Ground) -> Ready:
    from models.recommenders.als import Als

    return _of_matrix(ground, Als.fit)


def _ease_tags(ground: Ground) -> Ready:
    from models.recommenders.ease import Ease

    return _of_matrix(ground, Ease.fit, tags=True)


def _als_tags(ground: Ground) -> Ready:
    from models.recommenders.als import Als

    return _of_matrix(ground, Als.fit, tags=True)


def _of_matrix(ground: Ground, fit: "Callable[[csr_array], _MatrixModel]", *, tags: bool = False) -> Ready:
    """A model of the matrix of users and items; with `tags`, every tag is one more listener of its items."""
    from models.recommenders.interaction_matrix import genre_rows, history_rows, stacked

    split = ground.split
    started = time.perf_counter()
    rows = history_rows(split.histories, len(split.catalog))
    model = fit(stacked(rows, genre_rows(split.catalog)) if tags else rows)
    seconds = time.perf_counter() - started

    def rank(user: int, limit: int) -> Scored:
        return best_first(model.scores(rows[[user], :]), split.excluded(user), limit)

    return Ready(rank, seconds)


def _m1(ground: Ground) -> Ready:
    from models.recommenders.audio_profile import fallback_profile

    fallback = fallback_profile(ground.split.catalog)
    models = [model or fallback for model in ground.m1()]
    return Ready(_of_models(ground, models.__getitem__), ground.seconds["m1"])


def _m2(ground: Ground) -> Ready:
    models = ground.m2()
    return Ready(_of_models(ground, models.__getitem__), ground.seconds["m2"])


def _m3(ground: Ground) -> Ready:
    ground.train_all()
    return Ready(_of_models(ground, ground.m3), ground.seconds["m3"])


def _m3_personal(ground: Ground) -> Ready:
    ground.train_all()
    users = evenly(len(ground.split), _FINE_TUNED)
    models = ground.personal_m3(users)
    return Ready(_of_models(ground, models.__getitem__), ground.seconds["m3-personal"], users=users)


def _of_models(ground: Ground, model_of: Callable[[int], Recommender | None]) -> Rank:
    nothing = Scored(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))

    def rank(user: int, limit: int) -> Scored:
        model = model_of(user)
        if model is None:
            return nothing
        return model.rank(ground.split.histories[user], ground.split.excluded(user), limit)

    return rank


def _merged(ground: Ground) -> Ready:
    inner = ground.inner()
    inner.train_all()
    weights = learn_on(inner, inner.m3)
    ground.train_all()
    return Ready(_of_merger(ground, ground.m3, weights), _seconds(ground, "m1", "m2", "m3"), weights)


def _m3_alone(ground: Ground) -> Ready:
    users = evenly(len(ground.split), _FINE_TUNED)
    models = ground.m3_alone(users)
    return Ready(_of_models(ground, models.__getitem__), ground.seconds["m3-alone"], users=users)


def _merged_alone(ground: Ground) -> Ready:
    inner = ground.inner()
    weights = learn_on(inner, inner.m3_alone(inner.users).__getitem__, alone=True)
    users = evenly(len(ground.split), _FINE_TUNED)
    models = ground.m3_alone(users)
    rank = _of_merger(ground, models.__getitem__, weights)
    return Ready(rank, _seconds(ground, "m1", "m2", "m3-alone"), weights, users)


def _of_merger(ground: Ground, m3: Callable[[int], Recommender | None], weights: MergeWeights) -> Rank:
    def rank(user: int, limit: int) -> Scored:
        merged = merge(ground.candidates(user, m3(user)), weights)
        return Scored(merged.positions[:limit], merged.scores[:limit])

    return rank


def _seconds(ground: Ground, *names: str) -> float:
    return sum(ground.seconds[name] for name in names)


#: Rows of this project's models; the others are what they have to beat.
OURS = ("m1", "m2", "m3", "m3-personal", "merged", "m3-alone", "merged-alone")

#: By the names that `--rows` takes, in the order of the table.
ROWS: Mapping[str, RowKind] = {
    "random": RowKind("random", _random),
    "popularity": RowKind("popularity", _popularity),
    "item-knn": RowKind("item-kNN", _item_knn),
    "ease": RowKind("EASE", _ease),
    "als": RowKind("ALS", _als),
    "ease-tags": RowKind("EASE with tags", _ease_tags),
    "als-tags": RowKind("ALS with tags", _als_tags),
    "m1": RowKind("M1, audio profile", _m1),
    "m2": RowKind("M2, content", _m2),
    "m3": RowKind("M3", _m3, single=False),
    "m3-personal": RowKind("M3, fine-tuned", _m3_personal, single=False),
    "merged": RowKind("all three merged", _merged, single=False),
    "m3-alone": RowKind("M3 without other users", _m3_alone, single=False),
    "merged-alone": RowKind("all three merged, without other users", _merged_alone, single=False),
}
