"""How near the simulation comes to what was published."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import BENCHMARK_NAMES, FEATURE_NAMES
from models.evaluation.errors import IN_BENCHMARK, normalized_errors
from models.routing import published
from models.routing.genre_groups import GROUPS
from models.routing.simulation import SEED, Chance, simulate
from models.routing.simulation_constants import CONSTANTS
from models.routing.simulation_fit import Ground, study_genres, target_group_ratios, track_wins, wins


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the study and of the simulation."""

    name: str
    published: float
    with_study_genres: float  #: The popular tracks, dealt the study's genres
    with_own_genres: float | None  #: The same tracks with their own; None where that means nothing


@dataclass(frozen=True, slots=True)
class Calibration:
    """All figures the simulation is held against; "ratio" is QLTY's error over M1's."""

    rows: int
    features: list[Figure]  #: Ratios by feature
    wins: list[Figure]  #: QLTY's three-way wins by feature
    overall: list[Figure]
    genres: list[Figure]  #: Ratios, as if all tracks were of the group; published ones drawn to the mean


def calibrate(ground: Ground, own_groups: NDArray[np.str_]) -> Calibration:
    """Hold the simulation with its stored constants against the published figures."""
    study, own = (_errors(ground, groups) for groups in (study_genres(len(ground)), own_groups))
    m1 = ground.m1.mean(axis=0)
    columns = [FEATURE_NAMES.index(name) for name in BENCHMARK_NAMES]
    ratio_study, ratio_own = study.mean(axis=0) / m1, own.mean(axis=0) / m1
    wins_study, wins_own = wins(study, ground), wins(own, ground)
    return Calibration(
        rows=len(ground),
        features=[
            Figure(
                name,
                published.QLTY_ERRORS[name] / published.M1_ERRORS[name],
                float(ratio_study[k]),
                float(ratio_own[k]),
            )
            for name, k in zip(BENCHMARK_NAMES, columns, strict=True)
        ],
        wins=[
            Figure(name, published.QLTY_WINS[name], float(wins_study[k]), float(wins_own[k]))
            for name, k in zip(BENCHMARK_NAMES, columns, strict=True)
        ],
        overall=_overall(ground, study, own),
        genres=[_genre(ground, group) for group in GROUPS if group in published.GENRES],
    )


def _overall(ground: Ground, study: NDArray[np.float64], own: NDArray[np.float64]) -> list[Figure]:
    m1 = ground.m1[:, IN_BENCHMARK].mean(axis=1)
    tracks = [errors[:, IN_BENCHMARK].mean(axis=1) for errors in (study, own)]
    mean, median, std = published.QLTY_TRACK_ERRORS
    m1_std = published.M1_TRACK_ERRORS[2]
    very_popular = _errors(ground, study_genres(len(ground)), published.VERY_POPULAR + 2)
    return [
        Figure("mean of QLTY's track errors", mean, *(float(each.mean()) for each in tracks)),
        Figure("median", median, *(float(np.median(each)) for each in tracks)),
        Figure("standard deviation", std, *(float(each.std()) for each in tracks)),
        Figure("the same over M1's", std / m1_std, *(float(each.std() / m1.std()) for each in tracks)),
        Figure("values won by QLTY", published.QLTY_VALUE_WINS, *(_value_wins(e, ground) for e in (study, own))),
        Figure("tracks won by QLTY", published.QLTY_TRACK_WINS, *(track_wins(e, ground) for e in (study, own))),
        Figure(
            "the same, if all tracks were very popular",
            published.WINS_OF_VERY_POPULAR,
            track_wins(very_popular, ground),
            None,
        ),
    ]


def _genre(ground: Ground, group: str) -> Figure:
    errors = _errors(ground, np.full(len(ground), group))
    ratio = errors[:, IN_BENCHMARK].mean() / ground.m1[:, IN_BENCHMARK].mean()
    return Figure(group, target_group_ratios()[group], float(ratio), None)


def _value_wins(errors: NDArray[np.float64], ground: Ground) -> float:
    return float(wins(errors, ground)[IN_BENCHMARK].mean())


def _errors(ground: Ground, groups: NDArray[np.str_], popularity: int | None = None) -> NDArray[np.float64]:
    """Normalized errors of simulated look-ups, [n, 9], by other chance than that of the evaluation."""
    known = ground.popularity if popularity is None else [popularity] * len(ground)
    chance = Chance.draw(len(ground), SEED + 1)
    return normalized_errors(simulate(ground.truth, groups, known, CONSTANTS, chance), ground.truth)
