"""Several predictors on the same tracks: who wins, by how much, and what the best of them could reach together.

A winner is clear of every other by more than `TIE_MARGIN` normalized error. A feature is won by the predictor whose
mean error of that feature is lower than every other predictor's by more than the margin, a track by the one whose mean
error over the eight features is; without such a predictor the feature or track is a tie. With one predictor alone there
is nothing to win. A duel applies the same rule to two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURE_NAMES
from models.evaluation.errors import IN_BENCHMARK, normalized_errors, standard_error
from models.evaluation.scores import Answers

TIE_MARGIN = 0.005

#: Errors of each predictor on the same tracks.
Errors = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Wins:
    """Features and tracks that each predictor wins against all others, and the ties."""

    features: dict[str, list[str]]  #: Names of the features won, liveness among them
    tied_features: list[str]
    tracks: dict[str, int]
    tied_tracks: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Error of a predictor minus that of the reference on the same tracks; below zero the predictor is better."""

    mean: float
    standard_error: float  #: Of the mean, from the differences of each track


@dataclass(frozen=True, slots=True)
class Duel:
    """A predictor against the reference alone."""

    features_won: int
    features_tied: int
    features_lost: int
    tracks_won: int
    tracks_tied: int
    tracks_lost: int


@dataclass(frozen=True, slots=True)
class Oracle:
    """Taking for every single value the predictor that happens to be nearest: out of reach, for it knows the truth."""

    mne: float
    standard_error: float


def errors_by_value(answers: Mapping[str, Answers], targets: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Normalized errors [n, 9] of each predictor."""
    return {name: normalized_errors(own.values, targets) for name, own in answers.items()}


def errors_by_track(errors: Errors) -> dict[str, NDArray[np.float64]]:
    """Mean errors [n] over the benchmark's eight features from errors [n, 9]."""
    return {name: own[:, IN_BENCHMARK].mean(axis=1) for name, own in errors.items()}


def count_wins(errors: Errors) -> Wins:
    """Features and tracks won, from normalized errors [n, 9]."""
    names = list(errors)
    of_feature = _winners(np.stack([errors[name].mean(axis=0) for name in names]))
    of_track = _winners(np.stack(list(errors_by_track(errors).values())))
    features = [[FEATURE_NAMES[column] for column in np.flatnonzero(of_feature == i)] for i in range(-1, len(names))]
    tracks = [int((of_track == i).sum()) for i in range(-1, len(names))]
    return Wins(
        dict(zip(names, features[1:], strict=True)), features[0], dict(zip(names, tracks[1:], strict=True)), tracks[0]
    )


def differences_to(reference: str, errors: Errors) -> dict[str, Difference]:
    """Paired differences of every other predictor to the reference, from normalized errors [n, 9]."""
    per_track = errors_by_track(errors)
    deltas = {name: own - per_track[reference] for name, own in per_track.items() if name != reference}
    return {name: Difference(float(delta.mean()), standard_error(delta)) for name, delta in deltas.items()}


def duels_with(reference: str, errors: Errors) -> dict[str, Duel]:
    """Every other predictor against the reference, from normalized errors [n, 9]."""
    duels = {}
    for name in errors:
        if name != reference:
            wins = count_wins({name: errors[name], reference: errors[reference]})
            duels[name] = Duel(
                len(wins.features[name]),
                len(wins.tied_features),
                len(wins.features[reference]),
                wins.tracks[name],
                wins.tied_tracks,
                wins.tracks[reference],
            )
    return duels


def oracle(errors: Errors) -> Oracle:
    """The best choice for every value, from normalized errors [n, 9]."""
    best = np.min(np.stack(list(errors.values())), axis=0)[:, IN_BENCHMARK].mean(axis=1)
    return Oracle(float(best.mean()), standard_error(best))


def _winners(errors: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the winner in each column of [predictors, columns]; -1 for a tie."""
    if len(errors) < 2:
        return np.full(errors.shape[1], -1)
    lowest, second = np.partition(errors, 1, axis=0)[:2]
    return np.where(second - lowest > TIE_MARGIN, errors.argmin(axis=0), -1)
