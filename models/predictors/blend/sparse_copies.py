"""Copies of training tracks with fields blanked, so that the blend learns what to make of sparse metadata."""

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch

SHARE = 0.15
#: How often each field of a copy is blanked.
BLANKED = {"album": 0.6, "genres": 0.6, "release_year": 0.5, "decade": 0.5, "duration_ms": 0.4, "explicit": 0.7}


def with_sparse_copies(tracks: TrackBatch, rng: np.random.Generator) -> tuple[TrackBatch, NDArray[np.intp]]:
    """Tracks with copies appended, and the row of `tracks` that each one is or was copied from, [n + copies]."""
    chosen = np.sort(rng.permutation(len(tracks))[: int(SHARE * len(tracks))])
    origin = np.concatenate([np.arange(len(tracks)), chosen])
    extended = tracks.take(origin.tolist())
    # Year and decade come and go together.
    draws = {name: rng.random(len(chosen)) for name in BLANKED if name != "decade"}
    draws["decade"] = draws["release_year"]
    for name, share in BLANKED.items():
        column = getattr(extended, name)
        for row in (len(tracks) + np.flatnonzero(draws[name] < share)).tolist():
            column[row] = [] if name == "genres" else None
    return extended, origin
