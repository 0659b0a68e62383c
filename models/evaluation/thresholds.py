"""The platform's targets for the mean squared error, and how much of a feature metadata can tell at all.

Metadata names the artist and the album. What differs between the tracks of one artist must come from title, duration,
year and genre, which say little of sound. So the variance within artists is what remains of the squared error for one
who knows the true mean of every artist and nothing more, and a yardstick for what a target asks.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES, N_FEATURES
from models.evaluation.baselines import first_artists
from models.training_data import ReferenceTable

#: Highest allowed mean squared error by feature; BPM squared for tempo. The platform names none for loudness.
MSE_TARGETS = {
    "danceability": 0.030,
    "energy": 0.025,
    "valence": 0.025,
    "acousticness": 0.040,
    "instrumentalness": 0.040,
    "liveness": 0.050,
    "speechiness": 0.050,
    "tempo": 400.0,
}


@dataclass(frozen=True, slots=True)
class VarianceWithin:
    """Pooled variance between the tracks of a group; only groups of two tracks or more tell anything."""

    groups: int
    tracks: int
    variance: list[float]  #: Unbiased, in the square of the unit; follows `FEATURE_NAMES`; NaN without such a group


@dataclass(frozen=True, slots=True)
class VarianceReport:
    """Where the variance of the features lies."""

    tracks: int
    total: list[float]  #: Variance over all tracks, follows `FEATURE_NAMES`
    within_artist: VarianceWithin
    within_album: VarianceWithin  #: An album is one title by one first credited artist


def targets_met(mse: Sequence[float]) -> dict[str, bool]:
    """Whether nine mean squared errors, in the order of `FEATURE_NAMES`, meet the targets."""
    return {name: own <= MSE_TARGETS[name] for name, own in zip(FEATURE_NAMES, mse, strict=True) if name in MSE_TARGETS}


def variance_report(table: ReferenceTable) -> VarianceReport:
    """Variances over all rows of a table."""
    targets = table.targets.astype(np.float64)
    artists = first_artists(table.tracks)
    albums = [
        (artist, album.casefold()) if album else None for artist, album in zip(artists, table.tracks.album, strict=True)
    ]
    return VarianceReport(
        tracks=len(table),
        total=targets.var(axis=0).tolist(),
        within_artist=variance_within(artists, targets),
        within_album=variance_within(albums, targets),
    )


def variance_within(groups: Sequence[Hashable | None], targets: NDArray[np.float64]) -> VarianceWithin:
    """Pooled within-group variance of targets [n, 9]; a track whose group is None is left out."""
    known = np.array([group is not None for group in groups], dtype=np.bool_)
    index = {group: i for i, group in enumerate(dict.fromkeys(group for group in groups if group is not None))}
    rows = np.array([index[group] for group in groups if group is not None], dtype=np.intp)
    own = targets[known]
    sizes = np.bincount(rows, minlength=len(index))
    sums = np.zeros((len(index), N_FEATURES))
    np.add.at(sums, rows, own)
    squares = ((own - (sums / np.maximum(sizes, 1)[:, None])[rows]) ** 2).sum(axis=0)
    several = sizes >= 2
    tracks, n_groups = int(sizes[several].sum()), int(several.sum())
    variance = squares / (tracks - n_groups) if n_groups else np.full(N_FEATURES, np.nan)
    return VarianceWithin(n_groups, tracks, variance.tolist())
