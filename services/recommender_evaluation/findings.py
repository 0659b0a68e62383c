"""Sentences that say what the figures of a report mean; each follows from the figures alone."""

import math

from models.evaluation.ranking import Interval
from services.evaluation.markdown import listing, number, share
from services.recommender_evaluation.figures import Comparison
from services.recommender_evaluation.report import MAIN_MEASURE, Report
from services.recommender_evaluation.rows import OURS, ROWS

#: Rows that learn from what others played, or merge those that do.
_COMBINED = ("m3", "m3-personal", "merged")


def findings(report: Report) -> str:
    """A list: who leads, what M3 and the merger add, and where a simple baseline is ahead."""
    lines = [_leader(report), *_against_best(report), *_against_each_other(report), *_ahead(report), _reach(report)]
    return "\n".join(f"- {line}" for line in lines if line)


def _leader(report: Report) -> str:
    # Means compare only where they are over the same users.
    whole = [row for row in report.rows if row.n_users == report.data.users]
    if not whole:
        return ""
    best = max(whole, key=lambda row: row.interval(MAIN_MEASURE).mean)
    return f"The highest {MAIN_MEASURE} is that of {report.title(best)}: {_bounds(best.interval(MAIN_MEASURE))}."


def _against_best(report: Report) -> list[str]:
    if not report.singles:
        return []
    best = report.singles[0]
    found = [report.find(name, best.name) for name in _COMBINED]
    return [_sentence(comparison, "the best single model, ") for comparison in found if comparison]


def _against_each_other(report: Report) -> list[str]:
    pairs = [("m3-personal", "m3"), ("merged", "m3"), ("m3-alone", "m2"), ("merged-alone", "m2")]
    found = (report.find(name, other) for name, other in pairs)
    return [_sentence(comparison, "") for comparison in found if comparison]


def _sentence(comparison: Comparison, what: str) -> str:
    difference = comparison.differences[MAIN_MEASURE]
    verdict = "is level with"
    if difference.excludes_zero:
        verdict = "is better than" if difference.mean > 0 else "is worse than"
    title, other = ROWS[comparison.name].title, ROWS[comparison.other].title
    bounds = _bounds(difference, signed=True)
    return f"{title[0].upper()}{title[1:]} {verdict} {what}{other}: {MAIN_MEASURE} {bounds}, paired over users."


def _ahead(report: Report) -> list[str]:
    """For each of our models, the methods that beat it beyond chance, and by which measures."""
    lines = []
    for name in OURS:
        own = [each for each in report.comparisons if each.name == name and ROWS[each.other].single]
        winners = [f"{ROWS[each.other].title} ({listing(lost)})" for each in own if (lost := _lost(each))]
        if winners:
            lines.append(f"Simpler methods win against {ROWS[name].title}: {'; '.join(winners)}.")
        elif own:
            lines.append(f"No single method beats {ROWS[name].title} beyond chance by any measure.")
    return lines


def _lost(comparison: Comparison) -> list[str]:
    return [name for name, interval in comparison.differences.items() if interval.high < 0]


def _reach(report: Report) -> str:
    """Whose lists reach furthest, for accuracy is bought with it."""
    candidates = [row for row in report.rows if row.name != "random" and not math.isnan(row.coverage)]
    if not candidates:
        return ""
    widest = max(candidates, key=lambda row: row.coverage)
    narrowest = min(candidates, key=lambda row: row.coverage)
    return (
        f"Leaving random lists aside, {report.title(widest)} reaches the most items, {share(widest.coverage)} of them "
        f"within the first 20 of anybody, and {report.title(narrowest)} the fewest, {narrowest.coverage:.1%}."
    )


def _bounds(interval: Interval, *, signed: bool = False) -> str:
    bounds = (number(bound, signed=signed) for bound in (interval.low, interval.high))
    return f"{number(interval.mean, signed=signed)} ({' to '.join(bounds)})"
