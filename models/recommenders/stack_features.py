"""The columns the ranker of M3 sees of a user and an item.

Every column of an item that the user has is computed as if the user did not have it: what a model is trained on
must not contain the answer. Where nothing is known, a column is NaN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES
from core.user_models import ModelKind
from models.recommenders.generators import Generators
from models.recommenders.history import History
from models.recommenders.interaction_matrix import history_rows
from models.recommenders.item_traits import ItemTraits
from models.recommenders.own_taste import OWN_TASTE_COLUMNS, own_taste
from models.recommenders.protocol import Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SIGNALS = ("ease", "als", "item_knn", "genres")
COMPANIONS = (ModelKind.M1, ModelKind.M2)
COLUMNS: tuple[str, ...] = (
    *(f"{name}{form}" for name in SIGNALS for form in ("", "_standardized", "_log_rank")),
    *("log_listeners", "mean_weight", "popularity", "user_items", "user_log_listeners", "listener_difference"),
    *("als_nearest", "als_nearest_three", "als_mean", "als_rejected", "knn_neighbors", "knn_nearest"),
    *("genre_count", "genre_entropy", "user_genre_count", "user_genre_entropy"),
    *OWN_TASTE_COLUMNS,
    *FEATURE_NAMES,
    *(f"companion_{kind.value}" for kind in COMPANIONS),
)
# The best items of a signal say what a high score of this user is.
_REFERENCE = 500
# Pairs of an item and one of the user's that are compared at once: 80 MB for each of a few matrices.
_MOST_PAIRS = 20_000_000
# Users scored at once: 64 of them over 65,000 items are 17 MB for each signal.
_TOGETHER = 64

Signals = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class UserView:
    """One user as the ranker sees them; holds the scores of all n items."""

    history: History  #: Of wanted items and others.
    row: "csr_array"  #: [1, n], the weights of the wanted items.
    signals: Signals  #: By name, [n]; absent where no community is known.
    listeners: NDArray[np.float32] | None  #: [n], without the user themselves where they were left out.
    references: Signals  #: By name, ascending: the best scores of items not had.


def view_user(
    history: History, traits: ItemTraits, generators: Generators | None, left_out: "csr_array | None" = None
) -> UserView:
    """Score all items for a user; `left_out`, [1, n], is the fitted row of the same user, which must not speak."""
    row = history_rows([history], len(traits.artist))
    if generators is None:
        return _view(history, row, traits, {}, None)
    if left_out is None:
        return next(view_users([history], traits, generators))
    signals = {
        "ease": generators.ease.score_without(row, left_out),
        "als": generators.als.score_one(row),
        "item_knn": generators.knn.scores(row),
    }
    listeners = generators.listeners.copy()
    listeners[left_out.indices] -= 1
    return _view(history, row, traits, signals, listeners)


def view_users(histories: Sequence[History], traits: ItemTraits, generators: Generators) -> Iterator[UserView]:
    """Score all items for many users, some at a time: a matrix is read once for all of these."""
    for start in range(0, len(histories), _TOGETHER):
        together = histories[start : start + _TOGETHER]
        rows = history_rows(together, len(traits.artist))
        ease, knn = generators.ease.score_many(rows), generators.knn.score_many(rows)
        for place, history in enumerate(together):
            row = rows[[place], :]
            signals = {"ease": ease[place], "als": generators.als.score_one(row), "item_knn": knn[place]}
            yield _view(history, row, traits, signals, generators.listeners)


def _view(
    history: History, row: "csr_array", traits: ItemTraits, signals: Signals, listeners: NDArray[np.float32] | None
) -> UserView:
    signals = {**signals, "genres": _genre_scores(row, traits)}
    return UserView(history, row, signals, listeners, _references(signals, history))


def feature_rows(
    view: UserView,
    traits: ItemTraits,
    generators: Generators | None,
    positions: NDArray[np.intp],
    companions: Sequence[Recommender] = (),
) -> NDArray[np.float32]:
    """Columns [m, len(COLUMNS)] float32 of the items at `positions`, [m]."""
    # Every item is compared with every item of the user.
    step = max(1, _MOST_PAIRS // max(1, len(view.history)))
    parts = [positions[start : start + step] for start in range(0, len(positions), step)] or [positions]
    return np.concatenate([_feature_rows(view, traits, generators, part, companions) for part in parts])


def _feature_rows(
    view: UserView,
    traits: ItemTraits,
    generators: Generators | None,
    positions: NDArray[np.intp],
    companions: Sequence[Recommender],
) -> NDArray[np.float32]:
    table = {name: np.full(len(positions), np.nan, dtype=np.float32) for name in COLUMNS}
    for name, scores in view.signals.items():
        table |= _forms(name, scores[positions], view.references[name])
    table |= _of_items(view, traits, positions)
    if generators is not None and view.row.nnz:
        table |= _of_community(view, generators, positions)
        table |= _of_neighbors(view, generators, positions)
    table |= own_taste(view.history, view.row, traits, positions)
    for companion in companions:
        if companion.kind in COMPANIONS and len(view.history):
            table[f"companion_{companion.kind.value}"] = companion.scores(view.history, positions)
    return np.column_stack([np.broadcast_to(table[name], len(positions)) for name in COLUMNS]).astype(np.float32)


def _references(signals: Signals, history: History) -> Signals:
    """The best scores of items that the user does not have, of each signal, ascending."""
    references = {}
    for name, scores in signals.items():
        others = scores.copy()
        others[history.positions] = -np.inf
        count = max(1, min(_REFERENCE, len(scores) - len(history)))
        references[name] = np.sort(np.partition(others, len(others) - count)[-count:])
    return references


def _forms(name: str, values: NDArray[np.float32], reference: NDArray[np.float32]) -> Signals:
    """A score as it is, against the best scores of the user, and as the rank among these."""
    finite = reference[np.isfinite(reference)]
    mean, deviation = (float(finite.mean()), float(finite.std())) if len(finite) else (0.0, 0.0)
    rank = len(reference) - np.searchsorted(reference, values, side="right")
    return {
        name: values,
        f"{name}_standardized": np.asarray((values - mean) / (deviation + 1e-6), dtype=np.float32),
        f"{name}_log_rank": np.log1p(rank).astype(np.float32),
    }


def _of_items(view: UserView, traits: ItemTraits, positions: NDArray[np.intp]) -> Signals:
    return {
        "popularity": traits.popularity[positions],
        "user_items": np.array([view.row.nnz], dtype=np.float32),
        "genre_count": traits.genre_count[positions],
        "genre_entropy": traits.genre_entropy[positions],
        "user_genre_count": _mean(traits.genre_count[view.row.indices]),
        "user_genre_entropy": _mean(traits.genre_entropy[view.row.indices]),
    } | {name: traits.audio[positions, column] for column, name in enumerate(FEATURE_NAMES)}


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean, [1]; NaN of nothing."""
    return np.array([values.mean() if len(values) else np.nan], dtype=np.float32)


def _of_community(view: UserView, generators: Generators, positions: NDArray[np.intp]) -> Signals:
    assert view.listeners is not None
    log_listeners = np.log1p(view.listeners[positions])
    usual = _mean(np.log1p(view.listeners[view.row.indices]))
    return {
        "log_listeners": log_listeners,
        "mean_weight": generators.mean_weight[positions],
        "user_log_listeners": usual,
        "listener_difference": log_listeners - usual,
    }


def _of_neighbors(view: UserView, generators: Generators, positions: NDArray[np.intp]) -> Signals:
    """How near an item is to single items of the user."""
    own = view.row.indices
    cosine = generators.als.cosine(positions, own)
    itself = _meetings(positions, own)
    cosine[itself] = 0.0
    mean = cosine.sum(axis=1) / np.maximum(1, len(own) - np.bincount(itself[0], minlength=len(positions)))
    cosine[itself] = -1.0
    best = _three_greatest(cosine)
    near = generators.knn.similarity[own][:, positions].tocsc()
    rejected = view.history.positions[(view.history.likes < 0) | (view.history.skips > view.history.plays)]
    return {
        "als_nearest": best.max(axis=1),
        "als_nearest_three": best.mean(axis=1),
        "als_mean": mean.astype(np.float32),
        "als_rejected": _nearest_other(generators, positions, rejected),
        "knn_neighbors": np.diff(near.indptr).astype(np.float32),
        "knn_nearest": near.max(axis=0).toarray().ravel(),
    }


def _meetings(positions: NDArray[np.intp], own: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where an item meets itself: places in `positions`, and in `own`, which ascends."""
    places = np.minimum(np.searchsorted(own, positions), len(own) - 1)
    meeting = np.flatnonzero(own[places] == positions)
    return meeting, places[meeting]


def _three_greatest(left: NDArray[np.float32]) -> NDArray[np.float32]:
    """The three greatest of each row, or all of fewer, which are overwritten; `np.partition` takes tenfold."""
    rows = np.arange(len(left))
    found = np.empty((len(left), min(3, left.shape[1])), dtype=np.float32)
    for place in range(found.shape[1]):
        columns = left.argmax(axis=1)
        found[:, place] = left[rows, columns]
        left[rows, columns] = -np.inf
    return found


def _nearest_other(
    generators: Generators, positions: NDArray[np.intp], others: NDArray[np.intp]
) -> NDArray[np.float32]:
    if not len(others):
        return np.full(len(positions), np.nan, dtype=np.float32)
    cosine = generators.als.cosine(positions, others)
    cosine[_meetings(positions, others)] = -1.0
    return np.asarray(cosine.max(axis=1))


def _genre_scores(row: "csr_array", traits: ItemTraits) -> NDArray[np.float32]:
    """Cosine of the user's genres and those of every item, [n]; own items against the others of the user."""
    units = traits.genre_units
    profile = np.asarray((row @ units).toarray(), dtype=np.float32).ravel()
    length = float(profile @ profile)
    products = np.asarray(units @ profile, dtype=np.float32)
    scores = products / np.float32(np.sqrt(max(length, 1e-12)))
    own, weights = row.indices, row.data
    has_genres = traits.genre_count[own] > 0
    left = length - 2 * weights * products[own] + weights**2 * has_genres
    scores[own] = (products[own] - weights * has_genres) / np.sqrt(np.maximum(left, 1e-6))
    return scores
