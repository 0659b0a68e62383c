"""Cross-validation folds for residuals that tell how far off a predictor is for new tracks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CV_FOLDS = 5
SEED = 42


def track_folds(n: int, n_folds: int = CV_FOLDS) -> NDArray[np.intp]:
    """Cross-validation folds [n] in 0..n_folds - 1 that spread the tracks of an artist: for artists that are known."""
    return np.asarray(np.random.default_rng(SEED).permutation(n) % n_folds, dtype=np.intp)


def artist_folds(artists: Sequence[str], n_folds: int = CV_FOLDS) -> NDArray[np.intp]:
    """Cross-validation folds [n] in 0..n_folds - 1 that keep all tracks of a first credited artist together.

    Most tracks people import are by artists outside the training data; residuals within a known artist would make the
    intervals too narrow for them.
    """
    first = [credits.partition(";")[0] for credits in artists]
    names, row_of_name = np.unique(first, return_inverse=True)
    fold_of_name = np.random.default_rng(SEED).permutation(len(names)) % n_folds
    return np.asarray(fold_of_name[row_of_name], dtype=np.intp)
