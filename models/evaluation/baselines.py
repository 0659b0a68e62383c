"""Answers without a model, to compare predictors with: means over all tracks, over a genre, over an artist.

The mean of few tracks is drawn towards the more general one: over n tracks it weighs n / (n + k). Baselines give values
and no intervals.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.evaluation.genres import main_genres
from models.training_data import ReferenceTable

GLOBAL_MEAN, GENRE_MEAN, ARTIST_MEAN = "global mean", "genre mean", "artist mean"
BASELINES = (GLOBAL_MEAN, GENRE_MEAN, ARTIST_MEAN)
#: Tracks after which the mean of a genre or an artist weighs as much as the more general one.
GENRE_SHRINKAGE, ARTIST_SHRINKAGE = 10.0, 2.0

Baseline = Callable[[TrackBatch], NDArray[np.float64]]


def fit_baselines(table: ReferenceTable) -> dict[str, Baseline]:
    """Learn the three baselines from all rows of a table; each maps n tracks to values [n, 9]."""
    targets = table.targets.astype(np.float64)
    overall: NDArray[np.float64] = targets.mean(axis=0)
    genres, artists = main_genres(table.tracks.genres).tolist(), first_artists(table.tracks)
    genre_offsets = _shrunken_means(genres, targets - overall, GENRE_SHRINKAGE)

    def global_mean(tracks: TrackBatch) -> NDArray[np.float64]:
        return np.tile(overall, (len(tracks), 1))

    def genre_mean(tracks: TrackBatch) -> NDArray[np.float64]:
        return overall + _look_up(genre_offsets, main_genres(tracks.genres).tolist())

    artist_offsets = _shrunken_means(artists, targets - genre_mean(table.tracks), ARTIST_SHRINKAGE)

    def artist_mean(tracks: TrackBatch) -> NDArray[np.float64]:
        return genre_mean(tracks) + _look_up(artist_offsets, first_artists(tracks))

    return {GLOBAL_MEAN: global_mean, GENRE_MEAN: genre_mean, ARTIST_MEAN: artist_mean}


def first_artists(tracks: TrackBatch) -> list[str]:
    """The first credited artist of n tracks, in lower case."""
    return [credits.partition(";")[0].strip().casefold() for credits in tracks.artist]


def _shrunken_means(
    keys: Sequence[Hashable], residuals: NDArray[np.float64], shrinkage: float
) -> dict[Hashable, NDArray[np.float64]]:
    """Mean residuals [9] of each key, drawn towards zero."""
    index = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    rows = np.array([index[key] for key in keys])
    sums = np.zeros((len(index), N_FEATURES))
    np.add.at(sums, rows, residuals)
    means = sums / (np.bincount(rows, minlength=len(index)) + shrinkage)[:, None]
    return dict(zip(index, means, strict=True))


def _look_up(offsets: Mapping[Hashable, NDArray[np.float64]], keys: Sequence[Hashable]) -> NDArray[np.float64]:
    """Offsets [n, 9] of n keys; zero for an unknown one."""
    none = np.zeros(N_FEATURES)
    return np.array([offsets.get(key, none) for key in keys]).reshape(-1, N_FEATURES)
