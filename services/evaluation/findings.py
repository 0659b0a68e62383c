"""Sentences that say what the figures of a report mean; each follows from the figures alone."""

import math

from core.features import FEATURE_NAMES
from models.evaluation.baselines import BASELINES
from models.evaluation.compare import SetResult
from models.evaluation.samples import N_SAMPLES, SAMPLE_SEED
from models.evaluation.thresholds import MSE_TARGETS, VarianceReport
from services.evaluation.markdown import listing, number, share, significant
from services.evaluation.report import Report
from services.evaluation.tables import set_name

# A difference of more than this many standard errors is taken for real.
_CLEAR = 2.0
# Intervals whose coverage is further from 80 %, beyond chance, are named.
_TOLERANCE = 0.05


def headline(report: Report) -> str:
    """How far the reference gets on each set, and how far the oracle would."""
    parts = [f"{_against_means(result)} on {result.title}" for result in report.headline_sets]
    text = f"Beside the best of the three means, the errors of `{report.reference}`, in bold, are {listing(parts)}."
    first = report.headline_sets[0]
    if len(report.versions) == 1:
        return text
    return (
        f"{text} The oracle takes for every value the predictor that happens to be nearest, which nobody can know "
        f"beforehand; its {number(first.oracle.mne)} on {first.title} bounds what choosing among them can give."
    )


def _against_means(result: SetResult) -> str:
    ratio = result.scores[result.reference].mne / min(result.scores[name].mne for name in BASELINES)
    return f"{share(abs(1 - ratio))} {'smaller' if ratio <= 1 else 'larger'}"


def clear_differences(result: SetResult) -> str:
    """Which predictors differ from the reference by more than chance."""
    sides: dict[str, list[str]] = {"better": [], "worse": [], "level": []}
    for name in result.duels:
        difference = result.differences[name]
        clear = abs(difference.mean) > _CLEAR * difference.standard_error
        sides[("better" if difference.mean < 0 else "worse") if clear else "level"].append(f"`{name}`")
    sentences = [
        f"{listing(sides['better'])} better than `{result.reference}` beyond chance" if sides["better"] else "",
        f"{listing(sides['worse'])} worse than `{result.reference}` beyond chance" if sides["worse"] else "",
        f"{listing(sides['level'])} not distinguishable from it" if sides["level"] else "",
    ]
    return "; ".join(sentence for sentence in sentences if sentence)


def interval_findings(report: Report) -> str:
    """Where the intervals of the reference hold too little or too much."""
    lines = []
    for result in report.headline_sets:
        intervals = result.scores[report.reference].intervals
        if intervals is None:
            continue
        off = [
            f"{name} {share(coverage)}"
            for name, coverage, error in zip(FEATURE_NAMES, intervals.coverage, intervals.coverage_error, strict=True)
            if abs(coverage - 0.8) > _TOLERANCE + _CLEAR * error
        ]
        verdict = f"clearly off: {listing(off)}" if off else "no feature is clearly off"
        lines.append(f"- {set_name(result)}: {share(intervals.mean_coverage)} on average; {verdict}.")
    return "\n".join(lines)


def sample_findings(result: SetResult) -> str:
    """What one sample of 100 tracks could have told."""
    winner = max(result.samples, key=lambda name: result.samples[name].ranked_first)
    spread = result.samples[result.reference]
    return (
        f"On {set_name(result)}, `{winner}` ranks first in {share(result.samples[winner].ranked_first)} of "
        f"{N_SAMPLES} samples. The MNE of `{result.reference}` runs from {number(spread.low)} to "
        f"{number(spread.high)} in 95 % of them: the figure of a single sample ({number(spread.first)} with seed "
        f"{SAMPLE_SEED}) may be off by {number(max(spread.mean - spread.low, spread.high - spread.mean), 3)}."
    )


def target_findings(report: Report) -> str:
    """Which targets the predictors meet on which sets, and why the others are out of reach."""
    variance = _variance_of(report)
    return "\n".join(_target_line(name, report.headline_sets, variance) for name in MSE_TARGETS)


def _variance_of(report: Report) -> VarianceReport:
    """Among the popular tracks where the headline is theirs."""
    popular = report.headline_sets[0].min_popularity is not None
    return report.variance["popular" if popular and "popular" in report.variance else "all"]


def _target_line(feature: str, results: list[SetResult], variance: VarianceReport) -> str:
    met = [result.title for result in results if any(result.targets_met[name][feature] for name in result.wins.tracks)]
    if len(met) == len(results):
        return f"- {feature}: met on every set by at least one predictor."
    where = f"met on {listing(met)} only" if met else "met on no set by any predictor"
    first, column = results[0], FEATURE_NAMES.index(feature)
    best = min(first.scores[name].mse[column] for name in first.wins.tracks)
    reason = _reason(feature, variance, met_somewhere=bool(met))
    return f"- {feature}: {where}; the lowest on {first.title} is {significant(best)}. {reason}"


def _reason(feature: str, variance: VarianceReport, *, met_somewhere: bool) -> str:
    target, column = MSE_TARGETS[feature], FEATURE_NAMES.index(feature)
    artist, album = variance.within_artist.variance[column], variance.within_album.variance[column]
    if math.isnan(artist):
        return "No artist has several tracks here, which could tell what metadata leaves open."
    if artist <= target:
        return (
            f"The variance within artists, {significant(artist)} of {significant(variance.total[column])} in all, "
            f"leaves room below the target of {significant(target, 2)}: it is missed where metadata does not tell the "
            "level of the artist."
        )
    spread = f"The tracks of one artist differ by a variance of {significant(artist)}, those of one album by"
    if met_somewhere:
        return f"{spread} {significant(album)}: {significant(target, 2)} is met only where tracks differ less."
    known = "artist and every album" if album > target else "artist"
    return (
        f"{spread} {significant(album)}: the true mean of every {known} would still miss {significant(target, 2)}, so "
        "the target asks for the sound itself more than for metadata."
    )
