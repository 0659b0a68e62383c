"""The plots of the report. matplotlib belongs to the extra `train`: without it there are none.

Most figures are a row of panels, one for each set of the headline. Predictors have colors told
apart with any color vision (Okabe and Ito, 2008) and markers of their own; baselines are gray.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.features import FEATURE_NAMES
from models.evaluation.baselines import BASELINES
from models.evaluation.compare import SetResult
from models.predictors.protocol import INTERVAL_COVERAGE
from services.evaluation.report import Report
from services.report_files import BAR, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_GRAYS = ("#c4c4c4", "#9a9a9a", "#6e6e6e")


def draw_plots(report: Report, folder: Path) -> list[Path] | None:
    """Write the PNG files; None where matplotlib is not installed."""
    makers = {
        "mne.png": _mne,
        "features.png": _features,
        "coverage.png": _coverage,
        "genres.png": _genres,
        "samples.png": _samples,
        "cost.png": _cost,
    }
    return draw(report, makers, folder)


def _mne(report: Report) -> "Figure":
    names = list(report.sets[0].scores)
    figure, panels = _panels(report.headline_sets, len(names), "mean normalized error (bars: 95 %)")
    for axes, title in zip(panels, [result.title for result in report.headline_sets], strict=True):
        results = [result for result in report.sets if result.title == title]
        axes.set_title(f"{title}\n({' / '.join(f'{result.rows:,}' for result in results)} tracks)")
        for result in results:
            for row, name in enumerate(names):
                score = result.scores[name]
                look = _look(name, names) | ({} if result.min_popularity is not None else {"mfc": "white"})
                axes.errorbar(score.mne, row, xerr=BAR * score.standard_error, **look)
    _name_rows(panels[0], names)
    if len({result.min_popularity for result in report.sets}) > 1:
        figure.suptitle("filled: popularity ≥ 50, hollow: all tracks", fontsize=9)
    return figure


def _features(report: Report) -> "Figure":
    names = list(report.sets[0].scores)
    figure, panels = _panels(report.headline_sets, 1.3 * len(FEATURE_NAMES), "normalized error")
    for axes, result in zip(panels, report.headline_sets, strict=True):
        for name, shift in zip(names, _shifts(len(names)), strict=True):
            axes.plot(result.scores[name].error, np.arange(len(FEATURE_NAMES)) + shift, **_look(name, names))
    _name_rows(panels[0], FEATURE_NAMES)
    return _with_legend(figure, panels[0], names)


def _coverage(report: Report) -> "Figure":
    names = [name for name, score in report.sets[0].scores.items() if score.intervals]
    figure, panels = _panels(report.headline_sets, 1.3 * len(FEATURE_NAMES), "share inside the 80 % interval")
    for axes, result in zip(panels, report.headline_sets, strict=True):
        axes.axvline(INTERVAL_COVERAGE, color="#444444", linewidth=1)
        for name, shift in zip(names, _shifts(len(names)), strict=True):
            intervals = result.scores[name].intervals
            if intervals is not None:
                errors = BAR * np.array(intervals.coverage_error)
                rows = np.arange(len(FEATURE_NAMES)) + shift
                axes.errorbar(intervals.coverage, rows, xerr=errors, **_look(name, list(report.sets[0].scores)))
    _name_rows(panels[0], FEATURE_NAMES)
    return _with_legend(figure, panels[0], names)


def _genres(report: Report) -> "Figure":
    names = list(report.sets[0].scores)
    genres = list(dict.fromkeys(each.genre for result in report.headline_sets for each in result.genres))
    # A genre that one set alone holds must not press the others together.
    figure, panels = _panels(report.headline_sets, 1.3 * len(genres), "mean normalized error", sharex=False)
    for axes, result in zip(panels, report.headline_sets, strict=True):
        rows = np.array([genres.index(each.genre) for each in result.genres])
        for name, shift in zip(names, _shifts(len(names)), strict=True):
            axes.plot([each.mne[name] for each in result.genres], rows + shift, **_look(name, names))
    _name_rows(panels[0], genres)
    return _with_legend(figure, panels[0], names)


def _samples(report: Report) -> "Figure | None":
    results = [result for result in report.headline_sets if result.samples]
    if not results:
        return None
    names = list(results[0].samples)
    figure, panels = _panels(results, 1.4 * len(names), "MNE in a sample of 100")
    jitter = np.random.default_rng(0).uniform(-0.25, 0.25, size=1_000)
    for axes, result in zip(panels, results, strict=True):
        for row, name in enumerate(names):
            spread = result.samples[name]
            color = _look(name, names)["color"]
            axes.plot(spread.means, row + jitter[: len(spread.means)], ".", markersize=2.5, color=color, alpha=0.6)
            axes.plot([spread.low, spread.high], [row, row], color="black", linewidth=1)
            axes.plot(spread.first, row, "D", markersize=4.5, mfc="white", mec="black")
    _name_rows(panels[0], names)
    figure.suptitle("dots: one sample each; line: 95 % of them; diamond: the sample with seed 42", fontsize=9)
    return figure


def _cost(report: Report) -> "Figure":
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    result, names = report.headline_sets[0], list(report.sets[0].scores)
    figure, (speed, size) = _new_figure(7.5, 3.2, 2)
    for name, cost in report.costs.items():
        for axes, x in ((speed, cost.tracks_per_second), (size, cost.artifact_bytes / 1e6)):
            axes.plot(x, result.scores[name].mne, **_look(name, names))
            axes.annotate(name, (x, result.scores[name].mne), xytext=(6, 4), textcoords="offset points")
    for axes, label in ((speed, "tracks/s (to the right: faster)"), (size, "artifact, MB (to the left: smaller)")):
        axes.set(xscale="log", xlabel=label)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.3, y=0.15)
    speed.set_ylabel(f"MNE, {result.title}")
    return figure


def _panels(
    results: Sequence[SetResult], rows: float, label: str, *, sharex: bool = True
) -> "tuple[Figure, list[Any]]":
    """A row of panels that share their axes, high enough for so many rows."""
    figure, panels = _new_figure(2.0 + 2.2 * len(results), 1.5 + 0.3 * rows, len(results), sharex=sharex)
    for axes, result in zip(panels, results, strict=True):
        axes.set_title(f"{result.title}\n({result.rows:,} tracks)")
    figure.supxlabel(label, fontsize=9)
    return figure, panels


def _new_figure(width: float, height: float, panels: int, *, sharex: bool = False) -> "tuple[Figure, list[Any]]":
    # A figure of its own needs no display and leaves no state behind, as pyplot would.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots(1, panels, sharex=sharex, sharey=True, squeeze=False)
    return figure, list(axes[0])


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    """Names on the shared vertical axis, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _with_legend(figure: "Figure", axes: Any, names: Sequence[str]) -> "Figure":
    handles = [axes.plot([], [], label=name, **_look(name, names))[0] for name in names]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(names), 8), frameon=False)
    return figure


def _look(name: str, names: Sequence[str]) -> dict[str, Any]:
    """Color and marker of a predictor or baseline."""
    if name in BASELINES:
        return {"color": _GRAYS[BASELINES.index(name)], "marker": "o", "markersize": 4, "linestyle": "none"}
    i = [other for other in names if other not in BASELINES].index(name)
    color, marker = _COLORS[i % len(_COLORS)], _MARKERS[i % len(_MARKERS)]
    return {"color": color, "marker": marker, "markersize": 5, "linestyle": "none"}


def _shifts(n: int) -> list[float]:
    """Vertical offsets that keep n predictors apart within a row."""
    return [0.0] if n == 1 else np.linspace(-0.3, 0.3, n).tolist()
