"""The space in which audio taste is measured: nine axes on which a library has spread 1, the same for every catalog."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES, FEATURES
from models.recommenders.catalog import Catalog
from models.recommenders.mixture import design_of, fit_mixture

Floats = NDArray[np.float32]

#: Shares that crowd near zero, with the value below which differences are noise; they are compared by ratio.
_NOISE = {"acousticness": 0.01, "instrumentalness": 0.01, "liveness": 0.01, "speechiness": 0.01}
#: Median and spread of each axis over 65,000 tracks, after the transformation. Constants, so that a profile means the
#: same after the library grew.
_CENTER = np.array([0.602, 0.658, 0.516, -1.754, -4.591, -1.981, -2.834, 0.48, -0.131], dtype=np.float32)
_SPREAD = np.array([0.178, 0.242, 0.262, 1.54, 1.749, 0.646, 0.645, 0.113, 0.0865], dtype=np.float32)
_LOGARITHMIC = np.array([name in _NOISE for name in FEATURE_NAMES])
_OFFSET = np.array([_NOISE.get(name, 0.0) for name in FEATURE_NAMES], dtype=np.float32)
_SCALE = np.array([feature.scale for feature in FEATURES], dtype=np.float32)
_LOW = np.array([feature.low for feature in FEATURES], dtype=np.float32)
_HIGH = np.array([feature.high for feature in FEATURES], dtype=np.float32)

#: Modes of a library, and tracks that they are fitted to: more do not change its density.
_LIBRARY_MODES = 16
_LIBRARY_SAMPLE = 8_000


def to_axes(features: Floats) -> Floats:
    """Features [..., 9] in their units to the axes of the space; NaN stays NaN."""
    values = np.clip(features, _LOW, _HIGH) / _SCALE
    values[..., _LOGARITHMIC] = np.log(values[..., _LOGARITHMIC] + _OFFSET[_LOGARITHMIC])
    points: Floats = ((values - _CENTER) / _SPREAD).astype(np.float32)
    return points


def to_features(points: Floats) -> Floats:
    """The inverse of `to_axes`, within the range of each feature."""
    values = points * _SPREAD + _CENTER
    values[..., _LOGARITHMIC] = np.exp(values[..., _LOGARITHMIC]) - _OFFSET[_LOGARITHMIC]
    features: Floats = np.clip(values * _SCALE, _LOW, _HIGH).astype(np.float32)
    return features


@dataclass(frozen=True, slots=True, eq=False)
class AudioSpace:
    """The audio features of a catalog on the axes, and how usual each item is."""

    points: Floats  #: [n, 9], NaN where a feature is unknown.
    design: Floats  #: [n, 27], of the points, for the density of other mixtures.
    log_density: Floats  #: [n], of each item in the library; 0 where nothing is known.


@lru_cache(maxsize=2)
def audio_space(catalog: Catalog) -> AudioSpace:
    """The space of a catalog; kept for the two last catalogs, the one in use and its successor."""
    points = to_axes(catalog.features)
    rows = np.flatnonzero(np.isfinite(points).any(axis=1))
    if len(rows) > _LIBRARY_SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, _LIBRARY_SAMPLE, replace=False))
    modes = min(_LIBRARY_MODES, 1 + len(rows) // 50)
    library = fit_mixture(points[rows], np.ones(len(rows), dtype=np.float32), modes, seed=0)
    design = design_of(points)
    return AudioSpace(points, design, library.log_density_of(design))


def library_mean(space: AudioSpace) -> tuple[Floats, Floats]:
    """Mean and spread of the library on each axis, [9]; 0 and 1 where nothing is known."""
    known = ~np.isnan(space.points)
    counts = known.sum(axis=0)
    values = np.where(known, space.points, 0)
    mean = values.sum(axis=0) / np.maximum(counts, 1)
    variance = (np.where(known, space.points - mean, 0) ** 2).sum(axis=0) / np.maximum(counts, 1)
    spread = np.where(counts > 1, np.sqrt(variance), 1.0)
    return mean.astype(np.float32), np.maximum(spread, 1e-3).astype(np.float32)
