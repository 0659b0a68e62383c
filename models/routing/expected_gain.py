"""How much a paid look-up is expected to improve a track, before it is made.

Fitted to the router's validation record: by how much the mean normalized error of tracks fell that it had not learned
from, given how unsure the base was of them, their genre group and popularity. It cannot know whether the web knows the
track; hence gains of single tracks scatter widely around what is expected, and budgets profit from the order alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.artifacts import SHIPPED_ARTIFACTS, load_artifact
from models.evaluation.errors import IN_BENCHMARK, SCALES
from models.routing.learned import NAME, NUMBERS_FILE
from models.routing.router_inputs import Numbers, group_columns, popularity_column

#: Weight of the ridge, in tracks.
_RIDGE = 100.0
#: Quantile of the half-widths that stands for those of a track of which the base said nothing.
_UNSURE = 0.9


@dataclass(frozen=True, slots=True)
class GainModel:
    """A linear model of what is gained."""

    coefficients: Numbers  #: Of the columns of `_columns`, then the constant
    unknown: Numbers  #: [9], normalized half-widths taken where the base said nothing: it is unsure then

    @classmethod
    def fit(cls, uncertainty: Numbers, groups: Numbers, popularity: Numbers, gains: Numbers) -> Self:
        """Learn from n tracks; arguments as for `expect`, and the gains [n]."""
        columns = _columns(uncertainty, groups, popularity)
        center, scale = columns.mean(axis=0), columns.std(axis=0)
        varied = scale > 0
        standard = np.where(varied, (columns - center) / np.where(varied, scale, 1.0), 0.0)
        # Columns that never vary keep a coefficient of zero; the mean gain is the constant.
        system = standard.T @ standard + _RIDGE * np.eye(len(scale))
        slopes = np.linalg.solve(system, standard.T @ (gains - gains.mean())) / np.where(varied, scale, 1.0)
        unknown = np.quantile(uncertainty, _UNSURE, axis=0)
        return cls(np.append(slopes, gains.mean() - slopes @ center), unknown)

    def expect(self, uncertainty: Numbers, groups: Numbers, popularity: Numbers) -> Numbers:
        """Expected gains, [n], never negative.

        Parameters
        ----------
        uncertainty
            Half-widths of the base, normalized, [n, 9]; NaN where it said nothing.
        groups, popularity
            Of `models.routing.router_inputs`.
        """
        columns = _columns(np.where(np.isnan(uncertainty), self.unknown, uncertainty), groups, popularity)
        return np.asarray(np.maximum(columns @ self.coefficients[:-1] + self.coefficients[-1], 0.0))


def expected_gain(
    uncertainty: NDArray[np.floating],
    genres: Sequence[Sequence[str]],
    popularity: Sequence[int | None],
    artifacts_dir: Path | None = None,
) -> NDArray[np.float64]:
    """The decrease of each track's mean normalized error (eight features) that a routed look-up is expected to bring.

    Parameters
    ----------
    uncertainty
        Half-widths of the predictor's 80 % intervals [n, 9], in each feature's unit; NaN where it said nothing.
    genres, popularity
        Of n tracks, as in `models.routing.protocol.Pair`.
    artifacts_dir
        Folder of the trained models; those shipped with MusicSpace where `None`.

    Returns
    -------
    gain
        [n], 0 or more.

    Raises
    ------
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the router cannot be used.
    """
    model = _load(artifacts_dir or SHIPPED_ARTIFACTS)
    return model.expect(uncertainty / SCALES, group_columns(genres), popularity_column(popularity))


def _columns(uncertainty: Numbers, groups: Numbers, popularity: Numbers) -> Numbers:
    """What is known before the look-up, [n, c]."""
    unsure = uncertainty[:, IN_BENCHMARK]
    level = unsure.mean(axis=1)
    known = (~np.isnan(popularity)).astype(np.float64)
    popular = np.nan_to_num(popularity)
    single = [level, level**2, known, popular, popular * level]
    return np.column_stack([*single, unsure, groups, groups * level[:, None]])


@lru_cache(maxsize=8)
def _load(artifacts_dir: Path) -> GainModel:
    arrays = load_artifact(artifacts_dir, NAME).arrays(NUMBERS_FILE)
    return GainModel(arrays["gain"], arrays["gain_unknown"])
