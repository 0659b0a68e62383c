"""Everything that is reported of several predictors on one set of tracks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.evaluation.comparison import (
    Difference,
    Duel,
    Errors,
    Oracle,
    Wins,
    count_wins,
    differences_to,
    duels_with,
    errors_by_track,
    errors_by_value,
    oracle,
)
from models.evaluation.genres import main_genres, pool_rare
from models.evaluation.samples import SampleSpread, repeat_samples
from models.evaluation.scores import Answers, PredictorScore, score_answers
from models.evaluation.splits import EvaluationSet
from models.evaluation.thresholds import targets_met

#: A main genre with fewer tracks in a set is pooled with the others like it.
FEWEST_TO_SHOW = 30


@dataclass(frozen=True, slots=True)
class GenreErrors:
    """Errors on the tracks of one main genre."""

    genre: str
    rows: int
    mne: dict[str, float]  #: By predictor or baseline


@dataclass(frozen=True, slots=True)
class SetResult:
    """Figures of all predictors and baselines on one set; mappings are keyed by their names."""

    split: str
    title: str
    min_popularity: int | None
    rows: int
    training_rows: int  #: What the predictors and baselines learned from
    reference: str  #: The predictor the others are measured against
    scores: dict[str, PredictorScore]
    differences: dict[str, Difference]  #: To the reference
    duels: dict[str, Duel]  #: With the reference; predictors only
    wins: Wins  #: Among the predictors
    oracle: Oracle  #: Over the predictors
    genres: list[GenreErrors]  #: Largest first
    samples: dict[str, SampleSpread]  #: Empty for a set smaller than a sample
    targets_met: dict[str, dict[str, bool]]  #: By feature


def compare(
    chosen: EvaluationSet, answers: Mapping[str, Answers], predictors: list[str], reference: str, training_rows: int
) -> SetResult:
    """Compare answers for the tracks of a set.

    Parameters
    ----------
    answers
        Of baselines and predictors, in the order of the report.
    predictors
        Which of them are predictors: wins, duels and the oracle are among these.
    reference
        One of `predictors`.
    training_rows
        Rows that they learned from.
    """
    targets = chosen.table.targets
    errors = errors_by_value(answers, targets)
    of_predictors = {name: errors[name] for name in predictors}
    scores = {name: score_answers(own, targets) for name, own in answers.items()}
    return SetResult(
        split=chosen.split,
        title=chosen.title,
        min_popularity=chosen.min_popularity,
        rows=len(chosen.table),
        training_rows=training_rows,
        reference=reference,
        scores=scores,
        differences=differences_to(reference, errors),
        duels=duels_with(reference, of_predictors),
        wins=count_wins(of_predictors),
        oracle=oracle(of_predictors),
        genres=_by_genre(chosen, errors),
        samples=repeat_samples(errors_by_track(errors)),
        targets_met={name: targets_met(score.mse) for name, score in scores.items()},
    )


def _by_genre(chosen: EvaluationSet, errors: Errors) -> list[GenreErrors]:
    genres = pool_rare(main_genres(chosen.table.tracks.genres), FEWEST_TO_SHOW)
    per_track = errors_by_track(errors)
    found = []
    for genre in np.unique(genres).tolist():
        own = genres == genre
        mne = {name: float(track_errors[own].mean()) for name, track_errors in per_track.items()}
        found.append(GenreErrors(genre, int(own.sum()), mne))
    return sorted(found, key=lambda each: -each.rows)
