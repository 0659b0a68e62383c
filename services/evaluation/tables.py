"""The tables of the report, as Markdown."""

from collections.abc import Sequence

from core.features import FEATURE_NAMES
from models.evaluation.compare import SetResult
from models.evaluation.cost import Cost
from models.evaluation.samples import SAMPLE_SEED
from models.evaluation.thresholds import MSE_TARGETS, VarianceReport
from services.evaluation.markdown import UNDEFINED, number, plus_minus, share, significant, table

ORACLE = "oracle over the predictors"


def set_name(result: SetResult) -> str:
    """The title of a set and which of its tracks are in it."""
    which = "all tracks" if result.min_popularity is None else f"popularity ≥ {result.min_popularity}"
    return f"{result.title}, {which}"


def main_table(results: Sequence[SetResult]) -> str:
    """MNE and its standard error; predictors in rows, sets in columns."""
    header = ["MNE", *(f"{result.title} ({result.rows:,} tracks)" for result in results)]
    rows = [
        [_strong(name, results[0]), *(plus_minus(r.scores[name].mne, r.scores[name].standard_error) for r in results)]
        for name in results[0].scores
    ]
    if len(results[0].wins.tracks) > 1:
        rows.append([ORACLE, *(plus_minus(result.oracle.mne, result.oracle.standard_error) for result in results)])
    return table(header, rows)


def sets_table(results: Sequence[SetResult]) -> str:
    """What each set holds, and how much was learned from."""
    rows = [[set_name(result), f"{result.rows:,}", f"{result.training_rows:,}"] for result in results]
    return table(["set", "tracks", "learned from"], rows)


def spread_table(result: SetResult) -> str:
    """Spread of the errors, difference to the reference, intervals and wins on one set."""
    header = ["", "MNE", "median", "SD", f"minus {result.reference}", "coverage", "width", "features", "tracks"]
    return table(header, [_spread_row(result, name) for name in result.scores])


def _spread_row(result: SetResult, name: str) -> list[str]:
    score, difference = result.scores[name], result.differences.get(name)
    intervals, wins = score.intervals, result.wins
    competes = name in wins.tracks and len(wins.tracks) > 1
    return [
        name,
        plus_minus(score.mne, score.standard_error),
        number(score.median),
        number(score.std),
        plus_minus(difference.mean, difference.standard_error, signed=True) if difference else UNDEFINED,
        share(intervals.mean_coverage if intervals else None),
        number(intervals.mean_width if intervals else None, 3),
        str(len(wins.features[name])) if competes else UNDEFINED,
        f"{wins.tracks[name]:,}" if competes else UNDEFINED,
    ]


def duel_table(result: SetResult) -> str:
    """Every predictor against the reference: won, tied, lost."""
    rows = [
        [
            name,
            f"{duel.features_won} / {duel.features_tied} / {duel.features_lost}",
            f"{duel.tracks_won:,} / {duel.tracks_tied:,} / {duel.tracks_lost:,}",
        ]
        for name, duel in result.duels.items()
    ]
    return table([f"against {result.reference}", "features won / tied / lost", "tracks won / tied / lost"], rows)


def feature_table(result: SetResult, figure: str, decimals: int) -> str:
    """One list of nine of a score (`error`, `mae`, `mse`, `r2`, `pearson`), features in columns."""
    rows = [[n, *(number(v, decimals) for v in getattr(s, figure))] for n, s in result.scores.items()]
    return table(["", *FEATURE_NAMES], rows)


def unit_table(result: SetResult, figure: str) -> str:
    """The same for a figure in the unit of each feature (`mae`, `mse`)."""
    rows = [[n, *(significant(v) for v in getattr(s, figure))] for n, s in result.scores.items()]
    return table(["", *FEATURE_NAMES], rows)


def coverage_table(result: SetResult) -> str:
    """Coverage of the 80 % intervals by feature."""
    rows = [
        [name, *(share(value) for value in score.intervals.coverage), share(score.intervals.mean_coverage)]
        for name, score in result.scores.items()
        if score.intervals
    ]
    return table(["", *FEATURE_NAMES, "mean"], rows)


def width_table(result: SetResult) -> str:
    """Mean full width of the 80 % intervals, in the unit of each feature."""
    rows = [
        [name, *(significant(value) for value in score.intervals.width)]
        for name, score in result.scores.items()
        if score.intervals
    ]
    return table(["", *FEATURE_NAMES], rows)


def targets_table(result: SetResult) -> str:
    """Mean squared error against the platform's targets; bold where met."""
    header = ["MSE", *(f"{name} ≤ {significant(MSE_TARGETS[name], 2)}" for name in MSE_TARGETS), "met"]
    rows = []
    for name, score in result.scores.items():
        met = result.targets_met[name]
        mse = dict(zip(FEATURE_NAMES, score.mse, strict=True))
        cells = [f"**{significant(mse[f])}**" if met[f] else significant(mse[f]) for f in MSE_TARGETS]
        rows.append([name, *cells, f"{sum(met.values())} of {len(met)}"])
    return table(header, rows)


def variance_table(report: VarianceReport) -> str:
    """Total variance of each target's feature, and what of it lies within artists and albums."""
    rows = []
    for name, target in MSE_TARGETS.items():
        column = FEATURE_NAMES.index(name)
        total = report.total[column]
        artist, album = report.within_artist.variance[column], report.within_album.variance[column]
        rows.append([name, significant(target, 2), significant(total), _of(artist, total), _of(album, total)])
    return table(["", "target", "variance", "within artists", "within albums"], rows)


def _of(part: float, total: float) -> str:
    return f"{significant(part)} ({share(part / total)})" if total else significant(part)


def genre_table(result: SetResult) -> str:
    """MNE by main genre, genres in rows."""
    names = list(result.scores)
    rows = [[f"{each.genre} ({each.rows:,})", *(number(each.mne[n]) for n in names)] for each in result.genres]
    return table(["main genre (tracks)", *names], rows)


def samples_table(result: SetResult) -> str:
    """MNE in samples of 100 tracks."""
    rows = [
        [name, number(s.first), number(s.mean), f"{number(s.low)} to {number(s.high)}", share(s.ranked_first)]
        for name, s in result.samples.items()
    ]
    return table(["", f"seed {SAMPLE_SEED}", "mean", "95 % of the samples", "lowest MNE"], rows)


def cost_table(costs: dict[str, Cost], results: Sequence[SetResult]) -> str:
    """Speed and size beside the MNE on the first set."""
    first = results[0]
    slowest = min(costs.values(), key=lambda cost: cost.tracks_per_second)
    yardstick = costs.get("m1", slowest).tracks_per_second
    header = ["", f"MNE, {set_name(first)}", "tracks/s", "of " + ("m1" if "m1" in costs else "the slowest")]
    header += ["one track, p50", "p95", "load", "artifact", "yardstick"]
    return table(header, [_cost_row(name, cost, first, yardstick) for name, cost in costs.items()])


def _cost_row(name: str, cost: Cost, result: SetResult, yardstick: float) -> list[str]:
    return [
        name,
        number(result.scores[name].mne),
        f"{cost.tracks_per_second:,.0f}",
        f"{significant(cost.tracks_per_second / yardstick, 2)} x",
        f"{number(cost.p50_ms, 2)} ms",
        f"{number(cost.p95_ms, 2)} ms",
        f"{number(cost.load_s, 2)} s",
        f"{significant(cost.artifact_bytes / 1e6, 2)} MB",
        f"{cost.yardstick_per_second:,.0f}/s",
    ]


def _strong(name: str, result: SetResult) -> str:
    return f"**{name}**" if name == result.reference else name
