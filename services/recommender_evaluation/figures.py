"""Figures of one recommender over all users of a split."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ranking import (
    Floats,
    Interval,
    coverage,
    find_hits,
    hit_rate,
    mean_interval,
    ndcg,
    novelty,
    paired_difference,
    recall,
)
from models.recommenders.protocol import Scored
from services.recommender_evaluation.splits import Split

#: Places of a ranking that anything is measured on.
DEPTH = 100
_SHORT_LIST = 20

#: Figures that every user has, by their names in the report.
MEASURES = ("Recall@10", "Recall@20", "NDCG@10", "NDCG@100", "hit rate@10")

#: The best items of a user, by number of the user and at most so many.
Rank = Callable[[int, int], Scored]


@dataclass(frozen=True, slots=True)
class Row:
    """What one recommender gave the users."""

    name: str
    n_users: int  #: Who were asked.
    per_user: dict[str, Floats]  #: By measure, [u]; NaN for users who were not asked.
    coverage: float  #: Share of all items in the first 20 of anybody; NaN where not everybody was asked.
    novelty: float  #: Bits, mean of the first 20.
    fit_seconds: float  #: Training of all users, where there is any.
    ms_per_user: float  #: To rank all items for one user.

    def interval(self, measure: str) -> Interval:
        """Mean and 95 % interval over users."""
        return mean_interval(self.per_user[measure])


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much one row exceeds another on the same users."""

    name: str
    other: str
    differences: dict[str, Interval]  #: By measure.


def measure(
    name: str,
    split: Split,
    rank: Rank,
    fit_seconds: float,
    on_user: Callable[[int], None],
    users: Sequence[int] | None = None,
) -> Row:
    """Rank all items for every user of the split, or for some, and judge the rankings by what is held out."""
    asked = range(len(split)) if users is None else users
    ranked = np.full((len(split), DEPTH), -1, dtype=np.intp)
    started = time.perf_counter()
    for done, user in enumerate(asked):
        on_user(done)
        positions = rank(user, DEPTH).positions
        ranked[user, : len(positions)] = positions
    seconds = time.perf_counter() - started
    return Row(
        name,
        n_users=len(asked),
        per_user={title: _only(values, asked) for title, values in _per_user(ranked, split).items()},
        # Fewer users reach fewer items, which says nothing about the recommender.
        coverage=coverage(ranked, _SHORT_LIST, len(split.catalog)) if len(asked) == len(split) else np.nan,
        novelty=mean_interval(novelty(ranked, _SHORT_LIST, split.item_users, len(split))).mean,
        fit_seconds=fit_seconds,
        ms_per_user=seconds / len(asked) * 1000,
    )


def compare(row: Row, other: Row) -> Comparison:
    """The paired differences of all measures."""
    return Comparison(
        row.name,
        other.name,
        {name: paired_difference(row.per_user[name], other.per_user[name]) for name in MEASURES},
    )


def _only(values: Floats, users: Sequence[int]) -> Floats:
    kept = np.full(len(values), np.nan)
    kept[users] = values[users]
    return kept


def _per_user(ranked: NDArray[np.intp], split: Split) -> dict[str, Floats]:
    hits = find_hits(ranked, split.held_out, len(split.catalog))
    relevant = np.array([len(items) for items in split.held_out], dtype=np.intp)
    values = (
        recall(hits, relevant, 10),
        recall(hits, relevant, 20),
        ndcg(hits, relevant, 10),
        ndcg(hits, relevant, DEPTH),
        hit_rate(hits, 10),
    )
    return dict(zip(MEASURES, values, strict=True))
