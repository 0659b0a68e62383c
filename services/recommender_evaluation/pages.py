"""`report.md`: the table, what follows from it, and how it came about."""

import math
from collections.abc import Mapping, Sequence

from models.recommenders.merging import MergeWeights
from services.evaluation.markdown import UNDEFINED, number, share, table
from services.recommender_evaluation.figures import MEASURES, Row
from services.recommender_evaluation.findings import findings
from services.recommender_evaluation.report import Report
from services.recommender_evaluation.rows import ROWS
from services.recommender_evaluation.splits import FEWEST_ITEMS, HELD_OUT, SPLIT_SEED

_MEASURES = (
    "*Recall@k* is the share of a user's held-out items among the first k; its denominator is all of them, and no "
    "user has more than ten. *NDCG@k* has binary relevance and an ideal of min(k, held-out items) hits in front. "
    "*Hit rate@10* is the share of users with at least one hit. In brackets: half of the 95 % interval over users. "
    "*Coverage* is the share of all items among the first 20 of anybody; *novelty* the mean of -log2 of the share "
    "of users who have an item, over the first 20. *Fit* is the training for all users, in one process; *ms* is what "
    "it takes to rank all items for one user."
)
_LIMITS = (
    "What this cannot tell:\n\n"
    "- Last.fm knows no times here, so the future is not predicted: held-out items were drawn at random.\n"
    "- Items are artists. In production they are tracks, of which more is known (titles, albums, own audio features) "
    "and fewer plays are.\n"
    "- There are no skips and no likes in it, and no time that passes: what M3 makes of those is not measured.\n"
    "- Tags are totals over the same users. Those of a held-out artist may come in part from the user from whom it is "
    "held out; single taggers are not in the data.\n"
    "- Audio features are means over the tracks of an artist in the reference table; M1 ranks only artists that are "
    "in it."
)


def report_page(report: Report, plots: Sequence[str]) -> str:
    """The content of `report.md`; `plots` are the names of the image files beside it."""
    sections = [
        "# How good the recommenders are",
        _intro(report),
        findings(report),
        main_table(report),
        _MEASURES,
        "![NDCG@100 and coverage of every recommender](recommenders.png)" if "recommenders.png" in plots else "",
        f"## Differences on the same users\n\n{_differences(report)}" if report.comparisons else "",
        _weights(report.weights),
        f"## How it was measured\n\n{_method(report)}",
        _LIMITS,
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def main_table(report: Report) -> str:
    """Recommenders in rows, figures in columns."""
    header = ["", *MEASURES, "coverage@20", "novelty@20", "fit s", "ms"]
    return table(header, [_cells(report, row) for row in report.rows])


def _cells(report: Report, row: Row) -> list[str]:
    intervals = [row.interval(measure) for measure in MEASURES]
    figures = [f"{number(each.mean, 3)} (±{number(each.high - each.mean, 3)})" for each in intervals]
    return [
        report.title(row),
        *figures,
        UNDEFINED if math.isnan(row.coverage) else f"{row.coverage:.1%}",
        number(row.novelty, 2),
        number(row.fit_seconds, 1),
        number(row.ms_per_user, 1),
    ]


def _intro(report: Report) -> str:
    data = report.data
    return (
        f"Of {report.created}, by `{report.command}`: {data.users:,} users of Last.fm with at least {FEWEST_ITEMS} "
        f"artists, {data.known:,} pairs of user and artist to learn from, {data.held_out:,} held out, all "
        f"{data.items:,} artists as candidates."
    )


def _differences(report: Report) -> str:
    text = "How much the first exceeds the second, paired over users, with the 95 % interval. **Bold** excludes 0."
    rows = []
    for comparison in report.comparisons:
        cells = []
        for measure in MEASURES:
            interval = comparison.differences[measure]
            bounds = (number(bound, 3, signed=True) for bound in (interval.low, interval.high))
            cell = f"{number(interval.mean, 3, signed=True)} ({' to '.join(bounds)})"
            cells.append(f"**{cell}**" if interval.excludes_zero else cell)
        rows.append([f"{ROWS[comparison.name].title} − {ROWS[comparison.other].title}", *cells])
    return f"{text}\n\n{table(['', *MEASURES], rows)}"


def _weights(weights: Mapping[str, MergeWeights]) -> str:
    if not weights:
        return ""
    sections = [
        f"{ROWS[name].title[0].upper()}{ROWS[name].title[1:]}:\n\n{_shares(own)}" for name, own in weights.items()
    ]
    n_users = max(own.provenance["users"] for own in weights.values())
    return (
        "## Weights of the merger\n\nThe share of each model in the merged rank, by the models at hand. They were "
        f"learned on {n_users:,} users, from whom a fifth of the rest was held out once more; models were trained anew "
        "without it, and nothing of what the table is judged by was seen.\n\n" + "\n\n".join(sections)
    )


def _shares(weights: MergeWeights) -> str:
    kinds = sorted({kind for own in weights.shares.values() for kind in own})
    rows = [
        [" + ".join(kind.upper() for kind in sorted(own)), *(share(own[kind]) if kind in own else "" for kind in kinds)]
        for own in weights.shares.values()
    ]
    return table(["models", *(kind.upper() for kind in kinds)], rows)


def _method(report: Report) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in report.libraries.items())
    return (
        f"Of each user round({HELD_OUT} k) of the k artists are held out, drawn by `numpy.random.default_rng"
        f"({SPLIT_SEED})`, users and artists in the order of their ids. What a user has is not recommended. Audio "
        f"features are known of {report.data.described:,} artists, tags stand for genres, plays of all users on the "
        f"training side are what M3 learns from. All seeds are fixed. Plays: SHA-256 `{report.data.sha256[:16]}`. "
        f"{libraries}."
    )
