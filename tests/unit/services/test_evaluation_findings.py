"""The sentences of the report follow from its figures."""

from types import SimpleNamespace
from typing import Any

import pytest

from core.features import FEATURE_NAMES, N_FEATURES
from models.evaluation.comparison import Difference
from models.evaluation.samples import SampleSpread
from models.evaluation.thresholds import VarianceReport, VarianceWithin
from services.evaluation import findings

ENERGY = FEATURE_NAMES.index("energy")


def result(title: str = "random-holdout", **fields: Any) -> Any:
    fixed = {"title": title, "min_popularity": None, "reference": "a", "wins": SimpleNamespace(tracks={"a": 0, "b": 0})}
    return SimpleNamespace(**(fixed | fields))


def report(*results: Any, artist: float = 0.01, album: float = 0.01) -> Any:
    within = [VarianceWithin(3, 9, [value] * N_FEATURES) for value in (artist, album)]
    variance = {"all": VarianceReport(20, [0.06] * N_FEATURES, *within)}
    return SimpleNamespace(
        headline_sets=list(results), reference="a", versions={"a": "1", "b": "1"}, variance=variance, sets=list(results)
    )


def judged(title: str, mse: float, *, met: bool) -> Any:
    """A set where every feature has this error; both predictors meet all targets, or none."""
    scores = {name: SimpleNamespace(mse=[mse] * N_FEATURES) for name in ("a", "b")}
    targets = {name: dict.fromkeys(FEATURE_NAMES, met) for name in ("a", "b")}
    return result(title, scores=scores, targets_met=targets)


def energy_line(of: Any) -> str:
    return next(line for line in findings.target_findings(of).splitlines() if line.startswith("- energy"))


def test_a_target_met_everywhere_needs_no_reason() -> None:
    assert energy_line(report(judged("s", 0.01, met=True))) == "- energy: met on every set by at least one predictor."


@pytest.mark.parametrize(
    ("sets", "artist", "album", "told"),
    [
        ([judged("s", 0.05, met=False)], 0.03, 0.028, "artist and every album would still miss 0.025"),
        ([judged("s", 0.05, met=False)], 0.03, 0.02, "the true mean of every artist would still miss 0.025"),
        ([judged("s", 0.05, met=False)], 0.01, 0.01, "0.0100 of 0.0600 in all, leaves room below the target"),
        ([judged("s", 0.05, met=False)], float("nan"), float("nan"), "No artist has several tracks"),
        ([judged("s", 0.05, met=False), judged("t", 0.01, met=True)], 0.03, 0.03, "met on t only"),
    ],
)
def test_a_missed_target_has_the_reason_that_the_variance_gives(
    sets: list[Any], artist: float, album: float, told: str
) -> None:
    line = energy_line(report(*sets, artist=artist, album=album))
    assert told in line
    assert "the lowest on s is 0.0500" in line


def test_differences_within_two_standard_errors_are_called_level() -> None:
    differences = {"b": Difference(0.0019, 0.001), "c": Difference(0.0021, 0.001), "d": Difference(-0.0021, 0.001)}
    told = findings.clear_differences(result(duels=differences, differences=differences))
    assert told == (
        "`d` better than `a` beyond chance; `c` worse than `a` beyond chance; `b` not distinguishable from it"
    )


def test_intervals_far_from_four_fifths_are_named() -> None:
    coverage = [0.8] * N_FEATURES
    coverage[ENERGY] = 0.7
    intervals = SimpleNamespace(coverage=coverage, coverage_error=[0.01] * N_FEATURES, mean_coverage=0.79)
    told = findings.interval_findings(report(result(scores={"a": SimpleNamespace(intervals=intervals)})))
    assert told == "- random-holdout, all tracks: 79% on average; clearly off: energy 70%."


def test_the_headline_compares_with_the_best_mean() -> None:
    means = {"global mean": 0.15, "genre mean": 0.12, "artist mean": 0.10}

    def against(title: str, own: float) -> Any:
        scores = {name: SimpleNamespace(mne=mne) for name, mne in (means | {"a": own}).items()}
        return result(title, scores=scores, oracle=SimpleNamespace(mne=0.07))

    told = findings.headline(report(against("s", 0.09), against("t", 0.11)))
    assert "10% smaller on s and 10% larger on t" in told
    assert "its 0.0700 on s" in told


def test_one_sample_may_be_off() -> None:
    samples = {"a": SampleSpread(0.091, 0.09, 0.082, 0.097, 0.7, []), "b": SampleSpread(0.1, 0.1, 0.09, 0.11, 0.3, [])}
    told = findings.sample_findings(result(samples=samples))
    assert "`a` ranks first in 70% of 200 samples" in told
    assert "(0.0910 with seed 42) may be off by 0.008" in told
