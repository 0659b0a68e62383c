"""Choose, for each track and feature, the value to trust: measured beats looked up beats inferred."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from core.sources import RANKS, Rank, Source
from db.repositories.estimates import Estimates


@dataclass(frozen=True, slots=True)
class Resolved:
    """The chosen values [n, 9] (NaN: nobody knows), the source of each [n][9] and a confidence [n] in 0..1."""

    values: NDArray[np.float32]
    sources: list[list[str | None]]
    confidence: NDArray[np.float32]


def resolve(estimates: Mapping[str, Estimates], preferred: str | None = None) -> Resolved:
    """Resolve the aligned estimates of several sources by the rules of `core.sources`.

    `preferred` is the predictor in use. The confidence of a track is the mean over its known features of the confidence
    of the source chosen.
    """
    sources = _in_order(estimates, preferred)
    n = len(next(iter(estimates.values())).confidence)
    values = np.full((n, N_FEATURES), np.nan, np.float32)
    confidence = np.full((n, N_FEATURES), np.nan, np.float32)
    best_rank = np.full((n, N_FEATURES), np.inf, np.float32)
    best_uncertainty = np.full((n, N_FEATURES), np.inf, np.float32)
    chosen = np.full((n, N_FEATURES), -1, np.int16)
    for index, source in enumerate(sources):
        rank, offered = RANKS[source], estimates[source]
        uncertainty = _comparable(offered.uncertainty, rank)
        better = (rank < best_rank) | ((rank == best_rank) & (uncertainty < best_uncertainty))
        better &= ~np.isnan(offered.values)
        values[better] = offered.values[better]
        best_rank[better] = rank
        best_uncertainty[better] = uncertainty[better]
        chosen[better] = index
        confidence[better] = np.broadcast_to(offered.confidence[:, None], better.shape)[better]
    return Resolved(values, _source_names(chosen, sources), _mean_known(confidence))


def _in_order(estimates: Mapping[str, Estimates], preferred: str | None) -> list[Source]:
    sources = [source for source in Source if source in estimates]
    return sorted(sources, key=lambda source: (source != Source.ROUTED, source != preferred))


def _comparable(uncertainty: NDArray[np.float32], rank: Rank) -> NDArray[np.float32]:
    """What decides within a rank; the smaller one wins, and of equal ones the earlier source."""
    if rank is Rank.INFERRED:
        return np.zeros_like(uncertainty)
    return np.nan_to_num(uncertainty, nan=0.0 if rank is Rank.MEASURED else np.inf)


def _source_names(chosen: NDArray[np.int16], sources: list[Source]) -> list[list[str | None]]:
    names: list[str | None] = [str(source) for source in sources] + [None]
    return [[names[index] for index in row] for row in chosen.tolist()]


def _mean_known(confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    known = np.sum(~np.isnan(confidence), axis=1)
    mean: NDArray[np.float32] = np.nansum(confidence, axis=1) / np.maximum(known, 1).astype(np.float32)
    return mean
