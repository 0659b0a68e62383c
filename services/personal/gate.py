"""May a new version of a user's model take the place of what answers so far? Only if it ranks no worse.

Some of a user's items are told to no version; both are asked how surely they put those above items that the user does
not have. Which items these are follows from ids alone, so that it stays the same. They may be taken for others that the
user does not want, as whatever the user will want next may be: how well that is found is the question. Each counts by
how much the user wants it now: else whose taste changes would keep the model of the old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.user_models import ModelKind
from models.recommenders.catalog import Catalog
from models.recommenders.history import History
from models.recommenders.protocol import Recommender

Positions = NDArray[np.intp]

#: Of a user with fewer wanted items none is held out: each of them is needed.
FEWEST_WANTED = 30
#: One in so many items is held out.
_ONE_IN = 10
#: Items that the user does not have, to compare with.
_OTHERS = 1_000
_HELD_OUT_SALT, _OTHERS_SALT = 0, 1


class UnusableScoresError(Exception):
    """A model gives scores that cannot be compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What may be learned from a user, and what is asked for instead."""

    fit: History
    held_out: Positions  #: [h], positions of wanted items, ascending; empty where everything may be learned.
    weights: NDArray[np.float32]  #: [h], how much each of them is wanted, > 0.


@dataclass(frozen=True, slots=True)
class Figures:
    """How well two versions put held-out items above others, by their weights. AUC: .5 is chance, 1 is perfect."""

    held_out: int
    others: int
    auc: float | None  #: Of the new version; `None` where nothing was held out.
    serving_auc: float | None = None  #: Of what answers so far; `None` where it cannot be compared.


def split(catalog: Catalog, history: History, kind: ModelKind) -> Split:
    """Hold out a tenth of a user's items, chosen by their ids alone, if a model of the kind can spare them.

    That is with `FEWEST_WANTED` wanted items; for M1, which learns from their sound, with so many that have features.
    """
    weights = history.weights()
    spared = weights > 0
    if kind is ModelKind.M1:
        spared &= ~np.isnan(catalog.features[history.positions]).all(axis=1)
    chosen = item_hashes(catalog.item_ids[history.positions], _HELD_OUT_SALT) % _ONE_IN == 0
    if spared.sum() < FEWEST_WANTED:
        chosen[:] = False
    asked = chosen & (weights > 0)
    return Split(history.take(~chosen), history.positions[asked], weights[asked])


def others(catalog: Catalog, history: History) -> Positions:
    """Positions of `_OTHERS` items that the user does not have, the same every time as far as the library allows."""
    mine = np.zeros(len(catalog), dtype=np.bool_)
    mine[history.positions] = True
    candidates = np.flatnonzero(~mine)
    hashes = item_hashes(catalog.item_ids[candidates], _OTHERS_SALT)
    return np.sort(candidates[np.argsort(hashes, kind="stable")[:_OTHERS]])


def item_hashes(item_ids: NDArray[np.int64], salt: int) -> NDArray[np.uint64]:
    """A well mixed number of each id (splitmix64, Steele et al., "Fast Splittable Pseudorandom Number Generators")."""
    mixed = item_ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15 * (salt + 1) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def auc(recommender: Recommender, parts: Split, rest: Positions) -> float | None:
    """How often a held-out item scores above another one, by weight; ties count half. `None` without items of a kind.

    Raises
    ------
    UnusableScoresError
        A score is not finite.
    """
    scores = np.asarray(recommender.scores(parts.fit, np.concatenate([parts.held_out, rest])), dtype=np.float64)
    if not np.isfinite(scores).all():
        raise UnusableScoresError("scores that are not finite")
    mine, theirs = scores[: len(parts.held_out)], np.sort(scores[len(parts.held_out) :])
    if not len(mine) or not len(theirs):
        return None
    below = np.searchsorted(theirs, mine, side="left")
    not_above = np.searchsorted(theirs, mine, side="right")
    return float(np.average(below + not_above, weights=parts.weights) / (2 * len(theirs)))


def judge(figures: Figures, tolerance: float) -> tuple[bool, str]:
    """Whether the new version may serve, and why; `tolerance` is how much lower its AUC may be."""
    if figures.auc is None:
        return True, "It loads and scores; too few tracks to hold any out."
    if figures.serving_auc is None:
        return True, f"AUC {figures.auc:.3f}; nothing to compare with."
    words = f"AUC {figures.auc:.3f}, that of what answers so far is {figures.serving_auc:.3f}"
    if figures.auc >= figures.serving_auc - tolerance:
        return True, f"{words}."
    return False, f"{words}; {tolerance:g} less would be accepted."


def saw_everything(metrics: Mapping[str, Any]) -> bool:
    """Whether a version, by its figures, was learned from held-out items, too: then it cannot be compared."""
    return not (metrics.get("gate") or {}).get("held_out")
