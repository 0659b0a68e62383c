"""Figures of rankings: what users get of the items held out from them, over all users at once.

Every function takes the ranked items of u users, [u, r], the best first, padded with -1 where a user got fewer, or the
hits among them. Relevance is binary: an item is held out or it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ranked = NDArray[np.intp]

#: Of all intervals.
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over users and the bounds that hold it with 95 % confidence."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign is certain."""
        return self.low > 0 or self.high < 0


def find_hits(ranked: Ranked, relevant: Sequence[NDArray[np.intp]], n_items: int) -> NDArray[np.bool_]:
    """Whether each ranked item is relevant to its user, [u, r].

    Parameters
    ----------
    relevant
        Of each user the relevant items, each once.
    n_items
        Items are 0..n_items - 1.
    """
    rows = np.repeat(np.arange(len(relevant)), [len(items) for items in relevant])
    wanted = np.concatenate([*relevant, np.empty(0, dtype=np.intp)])
    # A user and an item as one number: membership of all pairs in one sorted search.
    keys = np.arange(len(ranked))[:, None] * np.int64(n_items) + ranked
    return np.asarray(np.isin(keys, rows * np.int64(n_items) + wanted) & (ranked >= 0))


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.intp], k: int) -> Floats:
    """Share of a user's relevant items among the first k, [u]; NaN for a user without any.

    The denominator is the number of relevant items, also where it exceeds k.
    """
    return _per_relevant(hits[:, :k].sum(axis=1).astype(np.float64), n_relevant.astype(np.float64))


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.intp], k: int) -> Floats:
    """Normalized discounted cumulative gain of the first k, [u]; NaN for a user without relevant items.

    DCG is the sum of 1 / log2(1 + rank) over hits, ranks from 1; the ideal one has min(k, relevant items) hits in
    front (Järvelin and Kekäläinen, 2002).
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(n_relevant, k)]
    first = hits[:, :k]
    return _per_relevant(first @ discounts[: first.shape[1]], ideal)


def hit_rate(hits: NDArray[np.bool_], k: int) -> Floats:
    """1 for a user with at least one hit among the first k, else 0, [u]."""
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def coverage(ranked: Ranked, k: int, n_items: int) -> float:
    """Share of all items that are among the first k of at least one user, 0..1."""
    first = ranked[:, :k]
    return len(np.unique(first[first >= 0])) / n_items


def novelty(ranked: Ranked, k: int, item_users: NDArray[np.intp], n_users: int) -> Floats:
    """Mean self-information of the first k, [u], in bits: -log2 of the share of users who have an item.

    `item_users` [n_items] counts users in the training side. An item that nobody has counts as if one user had it. NaN
    for a user who got nothing (Vargas and Castells, 2011).
    """
    bits = -np.log2(np.maximum(item_users, 1) / n_users)
    first = ranked[:, :k]
    given = first >= 0
    return _per_relevant(np.where(given, bits[first], 0.0).sum(axis=1), given.sum(axis=1).astype(np.float64))


def mean_interval(values: Floats) -> Interval:
    """The mean of users drawn at random from many, by Student's t; NaN values are left out."""
    from scipy.stats import t

    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, np.nan, np.nan)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Interval(mean, mean - reach, mean + reach)


def paired_difference(values: Floats, others: Floats) -> Interval:
    """How much one system exceeds another on the same users, [u] each; the paired t interval."""
    return mean_interval(values - others)


def _per_relevant(amount: Floats, whole: Floats) -> Floats:
    """Quotient, NaN where there is nothing to divide by."""
    quotient = np.full(len(amount), np.nan)
    np.divide(amount, whole, out=quotient, where=whole > 0)
    return quotient
