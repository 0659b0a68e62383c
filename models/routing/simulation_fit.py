"""Finds the constants of the simulation: published figures in, `models.routing.simulation.Constants` out.

What carries over from the study is how QLTY relates to M1, so errors are fitted as ratios to those of this project's M1
on real holdout tracks; shares of wins, against M1 and M2, and the spread of QLTY's track errors are fitted as they are.
Tracks are dealt the study's genres, as ours are of other ones. One constant answers for one figure, and all of them are
bisected in turn, with the same chance throughout.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES, N_FEATURES
from models.evaluation.errors import IN_BENCHMARK, normalized_errors
from models.routing import published
from models.routing.genre_groups import GROUPS, OTHER, UNKNOWN
from models.routing.simulation import SEED, Chance, Constants, simulate

Bisected = NDArray[np.float64]

#: Error of found values over that of M1: what is small enough that the published shares of wins can be reached.
_NEAR = {"tempo": 0.08, "instrumentalness": 0.02, "speechiness": 0.175}
_NEAR_ELSEWHERE = 0.25
#: The study says nothing of liveness: between the others.
_LIVENESS_RATIO, _LIVENESS_WINS = 1.2, 0.45
#: Groups of the extended list without figures; the study calls them strong.
_STRONG_RATIO = 1.0
#: Tracks of the mean ratio added to every group: two or three tracks prove little.
_PRIOR_TRACKS = 3
_ROUNDS, _HALVINGS, _DAMPING = 12, 14, 0.5


@dataclass(frozen=True, slots=True)
class Ground:
    """What the simulation is fitted on: n popular holdout tracks."""

    truth: NDArray[np.float64]  #: [n, 9]
    m1: NDArray[np.float64]  #: [n, 9], normalized errors of M1
    m2: NDArray[np.float64]  #: [n, 9], likewise of M2
    popularity: list[int | None]

    def __len__(self) -> int:
        return len(self.truth)


def target_ratios() -> Bisected:
    """Error of QLTY over that of M1 by feature, [9]."""
    ratio = {name: error / published.M1_ERRORS[name] for name, error in published.QLTY_ERRORS.items()}
    return np.array([ratio.get(name, _LIVENESS_RATIO) for name in FEATURE_NAMES])


def target_wins() -> Bisected:
    """Share of the tracks for which QLTY is nearest, by feature, [9]."""
    return np.array([published.QLTY_WINS.get(name, _LIVENESS_WINS) for name in FEATURE_NAMES])


def target_group_ratios() -> dict[str, float]:
    """Mean error of QLTY over that of M1 by genre group."""
    usual = published.QLTY_TRACK_ERRORS[0] / published.M1_TRACK_ERRORS[0]
    ratios = {
        group: (tracks * qlty / m1 + _PRIOR_TRACKS * usual) / (tracks + _PRIOR_TRACKS)
        for group, (tracks, m1, qlty) in published.GENRES.items()
    }
    return {group: ratios.get(group, usual if group in (OTHER, UNKNOWN) else _STRONG_RATIO) for group in GROUPS}


def study_genres(n: int) -> NDArray[np.str_]:
    """Groups [n] in the study's shares, dealt at random."""
    tracks = {group: count for group, (count, _, _) in published.GENRES.items()}
    tracks[OTHER] = published.N_TRACKS - sum(tracks.values())
    deck = np.repeat(list(tracks), np.ceil(np.array(list(tracks.values())) * n / published.N_TRACKS).astype(np.intp))
    return np.asarray(np.random.default_rng(SEED).permutation(deck)[:n], dtype="U16")


def wins(errors: NDArray[np.float64], ground: Ground) -> Bisected:
    """Share of the tracks for which errors [n, 9] are below those of M1 and M2, by feature, [9]."""
    return np.asarray(((errors < ground.m1) & (errors < ground.m2)).mean(axis=0))


def track_wins(errors: NDArray[np.float64], ground: Ground) -> float:
    """The same of the mean errors of the tracks over the benchmark's eight features."""
    own, m1, m2 = (each[:, IN_BENCHMARK].mean(axis=1) for each in (errors, ground.m1, ground.m2))
    return float(((own < m1) & (own < m2)).mean())


class Fit:
    """One constant after the other, each moved to where its figure is met."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._chance = Chance.draw(len(ground), SEED + 1)
        self._groups = study_genres(len(ground))
        self._m1 = ground.m1.mean(axis=0)
        near = np.array([_NEAR.get(name, _NEAR_ELSEWHERE) for name in FEATURE_NAMES]) * self._m1
        self.constants = Constants(
            found=(0.0,) * N_FEATURES,
            near=tuple(near.tolist()),
            far=(0.2,) * N_FEATURES,
            typical=tuple(ground.truth.mean(axis=0).tolist()),
            of_group=(0.0,) * len(GROUPS),
            of_popularity=0.3,
            confused=0.015,
        )

    def run(self) -> Constants:
        """All rounds; the constants that are found, rounded."""
        for _ in range(_ROUNDS):
            self._found()
            self._far()
            self._of_group()
            self._of_popularity()
            self._confused()
        return rounded(self.constants)

    def _errors(self, constants: Constants, group: str | None = None, popularity: int | None = None) -> Bisected:
        """Normalized errors [n, 9], as they would be if all tracks were of one group, or of one popularity."""
        n = len(self._ground)
        groups = self._groups if group is None else np.full(n, group)
        known = self._ground.popularity if popularity is None else [popularity] * n
        looked_up = simulate(self._ground.truth, groups, known, constants, self._chance)
        return normalized_errors(looked_up, self._ground.truth)

    def _found(self) -> None:
        def excess(thresholds: Bisected) -> Bisected:
            changed = replace(self.constants, found=tuple(thresholds.tolist()))
            return target_wins() - wins(self._errors(changed), self._ground)

        found = _bisect(excess, np.full(N_FEATURES, -3.0), np.full(N_FEATURES, 3.0))
        self.constants = replace(self.constants, found=tuple(found.tolist()))

    def _far(self) -> None:
        def excess(scales: Bisected) -> Bisected:
            changed = replace(self.constants, far=tuple(scales.tolist()))
            return np.asarray(self._errors(changed).mean(axis=0) - target_ratios() * self._m1)

        far = _bisect(excess, np.full(N_FEATURES, 0.005), np.full(N_FEATURES, 1.5))
        self.constants = replace(self.constants, far=tuple(far.tolist()))

    def _of_group(self) -> None:
        """The shifts relative to their mean over the study's genres: the level is that of the thresholds."""
        usual = self._m1[IN_BENCHMARK].mean()
        shifts = []
        for i, (group, ratio) in enumerate(target_group_ratios().items()):

            def excess(shift: Bisected, i: int = i, group: str = group, ratio: float = ratio) -> Bisected:
                of_group = (*self.constants.of_group[:i], float(shift), *self.constants.of_group[i + 1 :])
                errors = self._errors(replace(self.constants, of_group=of_group), group)
                return np.asarray(ratio * usual - errors[:, IN_BENCHMARK].mean())

            shifts.append(float(_bisect(excess, np.array(-4.0), np.array(4.0))))
        dealt = np.array([(self._groups == group).mean() for group in GROUPS])
        centered = np.array(shifts) - dealt @ np.array(shifts)
        moved = (1 - _DAMPING) * np.array(self.constants.of_group) + _DAMPING * centered
        self.constants = replace(self.constants, of_group=tuple(moved.tolist()))

    def _of_popularity(self) -> None:
        def excess(shift: Bisected) -> Bisected:
            errors = self._errors(
                replace(self.constants, of_popularity=float(shift)), popularity=published.VERY_POPULAR + 2
            )
            return np.array(track_wins(errors, self._ground) - published.WINS_OF_VERY_POPULAR)

        shift = float(_bisect(excess, np.array(0.0), np.array(1.5)))
        self.constants = replace(self.constants, of_popularity=shift)

    def _confused(self) -> None:
        def excess(share: Bisected) -> Bisected:
            errors = self._errors(replace(self.constants, confused=float(share)))
            return np.array(errors[:, IN_BENCHMARK].mean(axis=1).std() - published.QLTY_TRACK_ERRORS[2])

        self.constants = replace(self.constants, confused=float(_bisect(excess, np.array(0.0), np.array(0.1))))


def rounded(constants: Constants, decimals: int = 4) -> Constants:
    """Constants with so many decimals."""
    return Constants(
        found=_round(constants.found, decimals),
        near=_round(constants.near, decimals),
        far=_round(constants.far, decimals),
        typical=_round(constants.typical, decimals),
        of_group=_round(constants.of_group, decimals),
        of_popularity=round(constants.of_popularity, decimals),
        confused=round(constants.confused, decimals),
    )


def _round(numbers: tuple[float, ...], decimals: int) -> tuple[float, ...]:
    return tuple(round(number, decimals) for number in numbers)


def _bisect(excess: Callable[[Bisected], Bisected], low: Bisected, high: Bisected) -> Bisected:
    """Where functions that grow with their arguments cross zero, all at once; a bound where they do not."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = excess(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2)
