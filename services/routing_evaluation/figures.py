"""The study's tables in numbers: what every strategy makes of one pair on one set of tracks."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.evaluation.compare import GenreErrors
from models.evaluation.comparison import Difference
from models.evaluation.errors import IN_BENCHMARK, normalized_errors, standard_error
from models.evaluation.scores import Answers, PredictorScore, score_answers
from models.routing import published
from models.routing.divergence import track_divergence
from models.routing.genre_groups import OTHER, UNKNOWN, genre_groups
from models.routing.protocol import Pair, Routed
from services.routing_evaluation.calls import Calls, spend_calls

LEARNED, ORACLE, BASE, QLTY = "learned", "oracle", "base", "qlty"
#: A group with fewer tracks is pooled with the others like it.
FEWEST_TO_SHOW = 30
_POPULARITY_EDGES = (60, 70, 80, 90)


@dataclass(frozen=True, slots=True)
class Bin:
    """Tracks alike in something, and how often the other estimate alone is nearer to the truth than the base."""

    title: str
    rows: int
    other_wins: float  #: Share of the tracks, by mean error


@dataclass(frozen=True, slots=True)
class Wins:
    """Shares for which either estimate is nearer to the truth; the rest are equal."""

    base_values: float
    other_values: float
    base_tracks: float
    other_tracks: float
    other_by_feature: list[float]  #: Of nine


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Figures on one set of tracks; mappings are keyed by the names of strategies."""

    min_popularity: int | None
    rows: int
    scores: dict[str, PredictorScore]
    of_oracle: dict[str, float]  #: Share of what the oracle gains over the base; NaN where it gains nothing
    minus_base: dict[str, Difference]
    learned_minus: dict[str, Difference]  #: The learned router minus each other one; empty without it
    wins: Wins
    genres: list[GenreErrors]  #: Largest first
    learned_by_genre: dict[str, Difference]  #: The learned router minus the base; empty without it
    routes: dict[str, dict[str, float]]  #: Share of the values of the eight features by rule
    by_divergence: list[Bin]
    by_popularity: list[Bin]
    calls: Calls | None  #: Where there is a learned router


def figures(
    pair: Pair,
    targets: NDArray[np.floating],
    routed: Mapping[str, Routed],
    expected_gain: NDArray[np.float64] | None,
    min_popularity: int | None,
) -> SetFigures:
    """All figures of n tracks.

    Parameters
    ----------
    routed
        By name, `base` and `oracle` among them; `learned` is optional.
    expected_gain
        Before the look-up, [n]; goes with `learned`.
    """
    errors = {name: normalized_errors(own.values, targets) for name, own in routed.items()}
    tracks = {name: own[:, IN_BENCHMARK].mean(axis=1) for name, own in errors.items()}
    gap = float((tracks[BASE] - tracks[ORACLE]).mean())
    learned = tracks.get(LEARNED)
    groups = _groups(pair)
    calls = None
    if learned is not None and expected_gain is not None:
        calls = spend_calls(tracks[BASE], learned, expected_gain)
    return SetFigures(
        min_popularity=min_popularity,
        rows=len(pair),
        scores={name: score_answers(Answers(own.values, own.uncertainty), targets) for name, own in routed.items()},
        of_oracle={n: float((tracks[BASE] - own).mean()) / gap if gap else float("nan") for n, own in tracks.items()},
        minus_base={name: _difference(own - tracks[BASE]) for name, own in tracks.items()},
        learned_minus={} if learned is None else {n: _difference(learned - own) for n, own in tracks.items()},
        wins=_wins(normalized_errors(pair.base, targets), normalized_errors(pair.other, targets)),
        genres=_by_genre(groups, tracks),
        learned_by_genre=_learned_by_genre(groups, tracks),
        routes={name: _routes(own) for name, own in routed.items()},
        by_divergence=_bins(
            track_divergence(pair), published.DIVERGENCE_EDGES, "divergence", tracks[QLTY] < tracks[BASE]
        ),
        by_popularity=_bins(_popularity(pair), _POPULARITY_EDGES, "popularity", tracks[QLTY] < tracks[BASE]),
        calls=calls,
    )


def _difference(delta: NDArray[np.float64]) -> Difference:
    return Difference(float(delta.mean()), standard_error(delta))


def _wins(base: NDArray[np.float64], other: NDArray[np.float64]) -> Wins:
    """NaN errors of what is not known win nothing."""
    own_base, own_other = base[:, IN_BENCHMARK], other[:, IN_BENCHMARK]
    mean_base, mean_other = own_base.mean(axis=1), own_other.mean(axis=1)
    return Wins(
        float((own_base < own_other).mean()),
        float((own_other < own_base).mean()),
        float((mean_base < mean_other).mean()),
        float((mean_other < mean_base).mean()),
        (other < base).mean(axis=0).tolist(),
    )


def _groups(pair: Pair) -> NDArray[np.str_]:
    """The study's groups, small ones pooled."""
    groups = genre_groups(pair.genres)
    names, counts = np.unique(groups, return_counts=True)
    rare = [name for name in names[counts < FEWEST_TO_SHOW] if name != UNKNOWN]
    return np.where(np.isin(groups, rare), OTHER, groups)


def _by_genre(groups: NDArray[np.str_], tracks: Mapping[str, NDArray[np.float64]]) -> list[GenreErrors]:
    found = []
    for group in np.unique(groups).tolist():
        member = groups == group
        found.append(GenreErrors(group, int(member.sum()), {n: float(own[member].mean()) for n, own in tracks.items()}))
    return sorted(found, key=lambda each: -each.rows)


def _learned_by_genre(groups: NDArray[np.str_], tracks: Mapping[str, NDArray[np.float64]]) -> dict[str, Difference]:
    if LEARNED not in tracks:
        return {}
    delta = tracks[LEARNED] - tracks[BASE]
    return {group: _difference(delta[groups == group]) for group in np.unique(groups).tolist()}


def _routes(routed: Routed) -> dict[str, float]:
    rule = routed.rule[:, IN_BENCHMARK]
    return {name: float((rule == i).mean()) for i, name in enumerate(routed.rules)}


def _popularity(pair: Pair) -> NDArray[np.float64]:
    return np.array(pair.popularity, dtype=np.float64)


def _bins(numbers: NDArray[np.float64], edges: tuple[float, ...], what: str, won: NDArray[np.bool_]) -> list[Bin]:
    """Bins below, between and from the edges on; empty ones, and tracks without the number, are left out."""
    bounds = (-np.inf, *edges, np.inf)
    titles = [f"{what} < {edges[0]:g}"]
    titles += [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    titles.append(f"≥ {edges[-1]:g}")
    found = []
    for title, low, high in zip(titles, bounds[:-1], bounds[1:], strict=True):
        member = (numbers >= low) & (numbers < high)
        if member.any():
            found.append(Bin(title, int(member.sum()), float(won[member].mean())))
    return found
