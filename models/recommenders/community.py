"""The part of M3 that learns from many users: generators of candidates, and the ranker on top of them.

The ranker must be trained on items that the generators did not see. So each user's items are split once, the
generators are fitted on one part, their candidates are labeled by the other, and after that the generators are fitted
again on everything.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.candidates import CANDIDATES, proposed
from models.recommenders.catalog import Catalog
from models.recommenders.community_files import bound_generators, generator_files
from models.recommenders.generators import Generators
from models.recommenders.history import History
from models.recommenders.interaction_matrix import genre_rows, history_rows
from models.recommenders.item_traits import ItemTraits, item_traits
from models.recommenders.protocol import ModelFiles, TrainedModel
from models.recommenders.ranker import Ranker, RankerOptions, TrainingRows
from models.recommenders.stack_features import UserView, feature_rows, view_users

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DESIGN = "m3-1"
RANKER_FILE = "ranker.cbm"
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CommunityOptions:
    """What a training may vary."""

    seed: int = 0
    held_out: float = 0.2  #: Share of each user's items that label the candidates.
    folds: int = 3  #: Splits that examples are drawn from, each with generators of its own; at most 1 / held_out.
    negatives: int = 70  #: Candidates of each user taken as unwanted.
    fewest_items: int = 5  #: Wanted items a user needs to count.
    ranker: RankerOptions = field(default_factory=RankerOptions)


@dataclass(frozen=True, slots=True, eq=False)
class CommunityModel:
    """Bound to a catalog."""

    traits: ItemTraits
    generators: Generators
    ranker: Ranker

    @classmethod
    def from_files(cls, files: ModelFiles, catalog: Catalog) -> Self:
        """Bind what `train_community` left to a catalog: items that are gone are dropped, new ones have no listeners.

        Raises PermanentError user-model-corrupt where a file is missing or is not what it should be.
        """
        generators = bound_generators(files, catalog)
        if RANKER_FILE not in files:
            raise PermanentError("user-model-corrupt", f"{RANKER_FILE} is missing from the community's model.")
        return cls(item_traits(catalog), generators, Ranker.from_bytes(files[RANKER_FILE], RANKER_FILE))


def train_community(
    catalog: Catalog, histories: Sequence[History], options: CommunityOptions, on_progress: OnProgress
) -> TrainedModel:
    """Fit generators and ranker on the histories of many users.

    Raises PermanentError too-little-history where no user has enough wanted items, or no example came about.
    """
    traits = item_traits(catalog)
    kept = [history for history in histories if history.wanted().sum() >= options.fewest_items]
    if len(kept) < 2:
        raise PermanentError(
            "too-little-history", f"{len(kept)} users have {options.fewest_items} wanted items; at least 2 must."
        )
    genres = genre_rows(catalog)
    total = len(kept) * options.folds + 1
    examples = []
    for fold in range(options.folds):
        for rows in _examples(traits, kept, genres, fold, options):
            examples.append(rows)
            on_progress(len(examples), total)
    ranker = Ranker.fit(_joined(examples), replace(options.ranker, seed=options.seed))
    generators = Generators.fit(history_rows(kept, len(catalog)), genres, seed=options.seed)
    on_progress(total, total)
    files = {**generator_files(generators, catalog), RANKER_FILE: ranker.to_bytes()}
    metrics = {"users": len(kept), "examples": sum(len(rows.wanted) for rows in examples)}
    return TrainedModel(ModelKind.M3, DESIGN, files, metrics)


def _examples(
    traits: ItemTraits, histories: Sequence[History], genres: "csr_array", fold: int, options: CommunityOptions
) -> Iterator[TrainingRows]:
    """Candidates of each user, by generators that did not see the items held out in this fold."""
    held_out = [_held_out(len(history), fold, options, user) for user, history in enumerate(histories)]
    known = [history.take(~rows) for history, rows in zip(histories, held_out, strict=True)]
    generators = Generators.fit(history_rows(known, len(traits.artist)), genres, seed=options.seed)
    rng = np.random.default_rng((options.seed, fold))
    views = view_users(known, traits, generators)
    for view, history, rows in zip(views, histories, held_out, strict=True):
        hidden = history.take(rows)
        yield _of_user(view, traits, generators, hidden.positions[hidden.wanted()], options.negatives, rng)


def _held_out(size: int, fold: int, options: CommunityOptions, user: int) -> NDArray[np.bool_]:
    """Rows of a history that a fold holds out, [size]; those of different folds are apart."""
    order = np.random.default_rng((options.seed, user)).permutation(size)
    first, last = (round(size * options.held_out * bound) for bound in (fold, fold + 1))
    rows = np.zeros(size, dtype=np.bool_)
    rows[order[first:last]] = True
    return rows


def _of_user(
    view: UserView,
    traits: ItemTraits,
    generators: Generators,
    hidden: NDArray[np.intp],
    negatives: int,
    rng: np.random.Generator,
) -> TrainingRows:
    """All candidates that were held out, and some of the others."""
    closed = np.zeros(len(traits.artist), dtype=np.bool_)
    closed[view.history.positions] = True
    candidates = proposed(view, closed, CANDIDATES)
    wanted = np.isin(candidates, hidden)
    others = candidates[~wanted]
    # A user of whom nothing was found teaches no order.
    drawn = rng.choice(others, min(negatives, len(others)), replace=False) if wanted.any() else others[:0]
    chosen = np.concatenate([candidates[wanted], drawn])
    labels = np.arange(len(chosen)) < wanted.sum()
    columns = feature_rows(view, traits, generators, chosen)
    return TrainingRows(columns, labels, np.ones(len(chosen), dtype=np.float32))


def _joined(parts: Sequence[TrainingRows]) -> TrainingRows:
    """One table of all users; raises PermanentError too-little-history without both wanted and other items."""
    labels = np.concatenate([part.wanted for part in parts])
    if labels.all() or not labels.any():
        raise PermanentError("too-little-history", "No candidate was ever wanted: the users have too little in common.")
    columns = np.concatenate([part.columns for part in parts])
    return TrainingRows(columns, labels, np.concatenate([part.weights for part in parts]))
