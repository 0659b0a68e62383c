"""Which items of a user are known, and which are held out to be found again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.recommenders.catalog import Catalog
from models.recommenders.history import History, plays_only
from services.recommender_evaluation.lastfm import Listening

HELD_OUT = 0.2
FEWEST_ITEMS = 10
SPLIT_SEED = 42


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """u users: what models may learn from, and what they are judged by."""

    catalog: Catalog
    histories: Sequence[History]  #: [u]
    held_out: Sequence[NDArray[np.intp]]  #: [u], positions of each, ascending; none is in the history.

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def item_users(self) -> NDArray[np.intp]:
        """Of each item the number of users who have it in the training side, [n]."""
        known = np.concatenate([history.positions for history in self.histories])
        return np.bincount(known, minlength=len(self.catalog)).astype(np.intp)

    def excluded(self, user: int) -> NDArray[np.bool_]:
        """What is not recommended to a user, because they have it, [n]."""
        mask = np.zeros(len(self.catalog), dtype=np.bool_)
        mask[self.histories[user].positions] = True
        return mask


def leave_out(listening: Listening, n_users: int | None = None) -> Split:
    """Hold out a fifth of the artists of every user who has at least ten.

    Users are taken in the order of their ids. One generator, `numpy.random.default_rng(42)`, permutes the artists of
    each in the order of ids; the first round(.2 k) of the permutation are held out. With `n_users`, only so many users
    of even distance in that order are kept, each with the same artists held out as in the whole.
    """
    _, starts, sizes = np.unique(listening.user_ids, return_index=True, return_counts=True)
    histories = [
        plays_only(listening.positions[start : start + size], listening.plays[start : start + size])
        for start, size in zip(starts, sizes, strict=True)
        if size >= FEWEST_ITEMS
    ]
    whole = _split(listening.catalog, histories, SPLIT_SEED)
    if n_users is None or n_users >= len(whole):
        return whole
    chosen = evenly(len(whole), n_users)
    return Split(whole.catalog, [whole.histories[user] for user in chosen], [whole.held_out[user] for user in chosen])


def leave_out_again(split: Split) -> Split:
    """Hold out a fifth of what is left, with seed 43: to choose on without a look at what is held out from `split`."""
    return _split(split.catalog, split.histories, SPLIT_SEED + 1)


def evenly(n: int, most: int) -> list[int]:
    """At most so many of 0..n - 1, ascending, at even distances."""
    chosen: list[int] = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist()
    return chosen


def _split(catalog: Catalog, histories: Sequence[History], seed: int) -> Split:
    rng = np.random.default_rng(seed)
    kept, held_out = [], []
    for history in histories:
        order = rng.permutation(len(history))
        count = round(HELD_OUT * len(history))
        held_out.append(np.sort(history.positions[order[:count]]))
        kept.append(history.take(np.sort(order[count:])))
    return Split(catalog, kept, held_out)
