"""`report.md`: the ranking of every pair first, then the study's tables."""

from collections.abc import Sequence

from core.features import BENCHMARK_NAMES, FEATURE_NAMES
from models.routing import published
from services.evaluation.markdown import UNDEFINED, number, plus_minus, share, table
from services.routing_evaluation.calibration import Calibration, Figure
from services.routing_evaluation.calls import AIMED_CALLS, AIMED_GAIN
from services.routing_evaluation.figures import BASE, LEARNED, ORACLE, QLTY, Bin, SetFigures
from services.routing_evaluation.report import PairResult, Report

_INTRO = (
    "Mean normalized error (MNE, lower is better) of eight features; ± is the standard error over tracks. *of oracle* "
    "is the share of what the oracle, which knows the truth, gains over the base. Differences are paired, track by "
    "track. *learned* is cross-fitted: every track is routed by a router that has seen no track of its artist. All "
    "tracks are holdouts of the predictors."
)
_SIMULATED = (
    "**Simulated**: there are no recorded answers of a language model here. An error model fitted to the platform's "
    "published figures stands in, see docs/ROUTING.md. These tables show how strategies behave if it holds; they prove "
    "nothing about any real provider. The learned router learns from the same error model that it is judged on."
)
_SHOWN_BY_GENRE = (BASE, QLTY, "divergence", LEARNED, ORACLE)


def report_page(report: Report, plots: Sequence[str]) -> str:
    """The content of `report.md`; `plots` are the names of the image files beside it."""

    def image(name: str, text: str) -> str:
        return f"![{text}]({name})" if name in plots else ""

    sections = [
        "# Routing",
        _INTRO,
        _main(report),
        image("strategies.png", "Mean normalized error of every strategy on every pair"),
        _calls(report),
        image("calls.png", "Error against the share of tracks looked up"),
        image("divergence.png", "How often the other estimate wins, by divergence"),
        *(_pair(result) for result in report.pairs),
        _calibration(report.calibration) if report.calibration else "",
        _origin(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _name(result: PairResult, chosen: SetFigures) -> str:
    which = "all tracks" if chosen.min_popularity is None else f"popularity ≥ {chosen.min_popularity}"
    return f"{result.title}, {which} ({chosen.rows:,})"


def _main(report: Report) -> str:
    names = list(dict.fromkeys(name for result in report.pairs for name in result.headline.scores))
    tables = []
    for title, index in (("Popular tracks", 0), ("All tracks", -1)):
        sets = [result.sets[index] for result in report.pairs]
        header = [title, *(f"{r.title} ({s.rows:,})" for r, s in zip(report.pairs, sets, strict=True))]
        rows = [[name, *(_mne(own, name) for own in sets)] for name in names]
        tables.append(table(header, rows))
    made = f"Made on {report.created} by\n\n```\n{report.command}\n```"
    return "\n\n".join([*tables, made])


def _mne(chosen: SetFigures, name: str) -> str:
    score = chosen.scores.get(name)
    return UNDEFINED if score is None else plus_minus(score.mne, score.standard_error)


def _calls(report: Report) -> str:
    rows = []
    for result in report.pairs:
        for chosen in result.sets:
            if chosen.calls is None or not result.simulated:
                continue
            calls = chosen.calls
            rows.append(
                [
                    _name(result, chosen),
                    number(calls.gain),
                    number(calls.expected),
                    share(calls.gain_at_aim),
                    share(AIMED_CALLS),
                    share(calls.oracle_gain_at_aim),
                    share(calls.calls_for_aim),
                ]
            )
    if not rows:
        return ""
    header = ["simulated look-ups", "gain in MNE of all calls", "expected", f"gain with {AIMED_CALLS:.0%} of the calls"]
    header += ["at random", "with an oracle's order", f"calls for {AIMED_GAIN:.0%} of the gain"]
    text = (
        "Calls go to the tracks with the highest expected gain first, told before the look-up from the base's "
        f"uncertainty, genre group and popularity. The aim is {AIMED_GAIN:.0%} of the gain with {AIMED_CALLS:.0%} of "
        "the calls. The oracle's order knows what each call will bring."
    )
    return f"## Error against calls made\n\n{text}\n\n{table(header, rows)}"


def _pair(result: PairResult) -> str:
    parts = [f"## {result.title[0].upper()}{result.title[1:]}"]
    if result.simulated:
        parts.append(_SIMULATED)
    if result.without_learned:
        parts.append(result.without_learned)
    for chosen in result.sets:
        parts += [f"### {_name(result, chosen)}: strategies", _strategies(result, chosen)]
    chosen = result.headline
    # A table may be read, or copied, without its chapter.
    mark = " (simulated)" if result.simulated else ""
    parts += [
        f"### Normalized error by feature{mark}",
        _features(chosen),
        f"### MNE by genre group{mark}",
        _genres(chosen),
        f"### Routes{mark}",
        "Share of the values of eight features that each rule takes.\n\n" + _routes(result, chosen),
        f"### When the other estimate alone wins{mark}",
        _wins(result, chosen),
        _bins(result, chosen),
    ]
    return "\n\n".join(parts)


def _strategies(result: PairResult, chosen: SetFigures) -> str:
    header = ["", "MNE", "median", "SD", "of oracle", "minus base", "learned minus it", "coverage"]
    study = result.simulated and result.base == "m1" and chosen.min_popularity is not None
    header += ["published", "median", "SD"] if study else []
    rows = []
    for name, score in chosen.scores.items():
        minus, learned = chosen.minus_base[name], chosen.learned_minus.get(name)
        compares = learned is not None and name != LEARNED
        row = [
            name,
            plus_minus(score.mne, score.standard_error),
            number(score.median),
            number(score.std),
            share(chosen.of_oracle[name]),
            plus_minus(minus.mean, minus.standard_error, signed=True) if name != BASE else UNDEFINED,
            plus_minus(learned.mean, learned.standard_error, 5, signed=True) if learned and compares else UNDEFINED,
            share(score.intervals.mean_coverage if score.intervals and name != ORACLE else None),
        ]
        row += [number(figure) for figure in published.STRATEGY_ERRORS.get(name, (None,) * 3)] if study else []
        rows.append(row)
    return table(header, rows)


def _features(chosen: SetFigures) -> str:
    columns = [FEATURE_NAMES.index(name) for name in BENCHMARK_NAMES]
    rows = [[name, *(number(score.error[k]) for k in columns)] for name, score in chosen.scores.items()]
    return table(["", *BENCHMARK_NAMES], rows)


def _genres(chosen: SetFigures) -> str:
    names = [name for name in _SHOWN_BY_GENRE if name in chosen.scores]
    rows = []
    for each in chosen.genres:
        difference = chosen.learned_by_genre.get(each.genre)
        against = plus_minus(difference.mean, difference.standard_error, signed=True) if difference else UNDEFINED
        rows.append([f"{each.genre} ({each.rows:,})", *(number(each.mne[name]) for name in names), against])
    return table(["group (tracks)", *names, "learned minus base"], rows)


def _routes(result: PairResult, chosen: SetFigures) -> str:
    study = result.simulated and result.base == "m1"
    rows = []
    for name in ("divergence", "divergence-tuned", LEARNED):
        for rule, taken in chosen.routes.get(name, {}).items():
            row = [f"{name}: {rule}", _percent(taken)]
            row += [_percent(published.DIVERGENCE_ROUTES.get(rule) if name == "divergence" else None)] if study else []
            rows.append(row)
    return table(["", "share", "published"] if study else ["", "share"], rows)


def _wins(result: PairResult, chosen: SetFigures) -> str:
    wins = chosen.wins
    columns = [FEATURE_NAMES.index(name) for name in BENCHMARK_NAMES]
    features = ", ".join(f"{FEATURE_NAMES[k]} {share(wins.other_by_feature[k])}" for k in columns)
    return (
        f"Against the base alone, {result.other} is nearer for {share(wins.other_values)} of the values (the base for "
        f"{share(wins.base_values)}) and for {share(wins.other_tracks)} of the tracks. By feature: {features}."
    )


def _bins(result: PairResult, chosen: SetFigures) -> str:
    study = result.simulated and result.base == "m1"
    figures = dict(zip((each.title for each in chosen.by_divergence), published.WINS_BY_DIVERGENCE, strict=False))

    def row(each: Bin) -> list[str]:
        extra = [share(figures.get(each.title))] if study else []
        return [each.title, f"{each.rows:,}", share(each.other_wins), *extra]

    header = ["of the track", "tracks", "tracks won by the other", *(["published, three-way"] if study else [])]
    return table(header, [row(each) for each in [*chosen.by_divergence, *chosen.by_popularity]])


def _calibration(calibration: Calibration) -> str:
    text = (
        f"The simulation beside what was published, on {calibration.rows:,} popular holdout tracks, once dealt the "
        "study's genres and once with their own. Ratios are QLTY's error over M1's; wins are three-way, among M1, M2 "
        "and QLTY. Ratios by genre group are taken as if all tracks were of it; published ones are drawn to the mean "
        "as if by three tracks."
    )
    parts = [f"## How near the simulation comes\n\n{text}"]
    for title, figures in (
        ("overall", calibration.overall),
        ("ratio by feature", calibration.features),
        ("wins by feature", calibration.wins),
        ("ratio by genre group", calibration.genres),
    ):
        parts.append(table([title, "published", "study's genres", "own genres"], [_figure(each) for each in figures]))
    return "\n\n".join(parts)


def _figure(figure: Figure) -> list[str]:
    decimals = 4 if figure.published < 0.2 else 3
    numbers = (figure.published, figure.with_study_genres, figure.with_own_genres)
    return [figure.name, *(number(each, decimals) for each in numbers)]


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.1%}"


def _origin(report: Report) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items()) or "none"
    return (
        f"## Made from\n\nTable `{report.file}`, {report.table_rows:,} tracks, sha256 `{report.sha256}`. Predictors: "
        f"{versions}. Every figure is in [report.json](report.json)."
    )
