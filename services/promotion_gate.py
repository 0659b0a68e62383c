"""May a new version of a predictor take the place of the one that serves? Only if it is not worse."""

from dataclasses import dataclass

from core.model_states import ModelState
from models.evaluation import BENCHMARK_POPULARITY, Evaluation, Score

#: Differences below this are rounding, for instance of another BLAS, and no difference.
_NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a version, and why."""

    state: ModelState
    reason: str


def gate_error(evaluation: Evaluation) -> float | None:
    """The figure that decides: MNE of the benchmark's eight, averaged over the holdout folds.

    Of each fold the tracks of popularity 50 and above count, and all of its tracks where none is that popular. `None`
    where there is no holdout.
    """
    by_fold: dict[str, Score] = {}
    for score in evaluation.scores:
        if score.min_popularity == BENCHMARK_POPULARITY or score.fold not in by_fold:
            by_fold[score.fold] = score
    if not by_fold:
        return None
    return sum(score.mne_eight for score in by_fold.values()) / len(by_fold)


def judge(error: float | None, incumbent: str | None, incumbent_error: float | None, tolerance: float) -> Verdict:
    """Compare the error of a new version with that of the version that serves, both on the same tracks.

    Parameters
    ----------
    error, incumbent_error
        From `gate_error`; `None` where they could not be had.
    incumbent
        The version that serves; `None` where nothing does.
    tolerance
        How much larger the error may be.
    """
    if error is None:
        return Verdict(ModelState.CANDIDATE, "The table has no holdout to judge it on.")
    if incumbent is None:
        return Verdict(ModelState.PROMOTED, f"Error {error:.4f}; nothing served before.")
    if incumbent_error is None:
        return Verdict(ModelState.CANDIDATE, f"Error {error:.4f}; {incumbent}, which serves, could not be judged.")
    figures = f"Error {error:.4f}, that of {incumbent} is {incumbent_error:.4f}"
    if error <= incumbent_error + tolerance + _NOISE:
        return Verdict(ModelState.PROMOTED, f"{figures}.")
    return Verdict(ModelState.REJECTED, f"{figures}; {tolerance:g} more would be accepted.")
