"""The linear support vector machine behind M2: which terms tell the items of a user from others."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.recommenders.content_space import ContentSpace
from models.recommenders.history import History

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Items drawn as negatives, for each positive, and in any case; more of them made nothing better.
_RATIO = 2
_FEWEST_NEGATIVES, _MOST_NEGATIVES = 1_000, 5_000
#: The penalty of errors; all positives together weigh as much as their number, and all negatives as much as they do.
_C = 0.2
#: A term that one item alone has teaches nothing about others.
_FEWEST_ITEMS = 2


class Sample(NamedTuple):
    """Rows to learn from, [r]."""

    positions: NDArray[np.intp]
    wanted: NDArray[np.bool_]
    weights: NDArray[np.float64]  #: > 0


def draw_sample(n_items: int, history: History, seed: int) -> Sample:
    """The wanted items of a user, those they certainly do not want, and others of the catalog as likely negatives.

    Others are drawn evenly. Both drawing by popularity and drawing from what resembles the wanted items made
    recommendations worse: what is popular, or close, is what the user may want next.
    """
    rng = np.random.default_rng(seed)
    wanted = history.wanted()
    unknown = np.ones(n_items, dtype=np.bool_)
    unknown[history.positions] = False
    others = np.flatnonzero(unknown)
    size = int(np.clip(_RATIO * wanted.sum(), _FEWEST_NEGATIVES, _MOST_NEGATIVES))
    drawn = others if size >= len(others) else rng.choice(others, size, replace=False)
    likes = history.weights()[wanted].astype(np.float64)
    return Sample(
        np.concatenate([history.positions[wanted], history.positions[~wanted], drawn]),
        np.arange(len(history) + len(drawn)) < len(likes),
        np.concatenate(
            [
                likes / likes.mean(),
                np.ones(len(history) - len(likes)),
                np.full(len(drawn), len(likes) / max(len(drawn), 1)),
            ]
        ),
    )


def fit_svm(space: ContentSpace, sample: Sample, seed: int) -> NDArray[np.float32]:
    """Weights of all terms, [t], by squared hinge loss and L2 penalty; 0 for terms that the sample does not have.

    All are 0 where there is nothing to tell apart: the user wants the whole catalog, or no two items share a term.
    """
    from sklearn.svm import LinearSVC

    used, rows = _used_columns(space, sample.positions)
    weights = np.zeros(len(space.terms), dtype=np.float32)
    if sample.wanted.all() or not len(used):
        return weights
    machine = LinearSVC(C=_C / _mean_square(rows), random_state=seed)
    machine.fit(rows, sample.wanted, sample_weight=sample.weights)
    weights[used] = machine.coef_[0]
    return weights


def _mean_square(rows: "csr_array") -> float:
    """The mean squared norm of rows, to which the right penalty is in inverse proportion; 1 where all are empty."""
    return float(rows.data @ rows.data) / rows.shape[0] or 1.0


def _used_columns(space: ContentSpace, positions: NDArray[np.intp]) -> "tuple[NDArray[np.intp], csr_array]":
    """Columns that teach something, [u], and the rows of the positions over them alone, [r, u]."""
    from scipy.sparse import csr_array

    rows = space.rows[positions]
    present = np.zeros(len(space.terms), dtype=np.bool_)
    present[rows.indices] = True
    present &= space.items_of_term >= _FEWEST_ITEMS
    used = np.flatnonzero(present)
    compact = np.cumsum(present, dtype=np.int32) - 1
    kept = present[rows.indices]
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr].astype(np.int32)
    indices = compact[rows.indices[kept]]
    return used, csr_array((rows.data[kept].astype(np.float64), indices, ends), shape=(len(positions), len(used)))
