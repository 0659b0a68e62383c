"""The plots of the report. matplotlib belongs to the extra `train`: without it there are none.

Strategies of the study are gray, what matters is colored, with colors told apart by any color vision (Okabe and Ito).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.report_files import BAR, draw
from services.routing_evaluation.figures import BASE, LEARNED, ORACLE, QLTY
from services.routing_evaluation.report import PairResult, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GRAY = "#8a8a8a"
_COLORS = {BASE: "#0072B2", QLTY: "#E69F00", "divergence": "#56B4E9", LEARNED: "#D55E00", ORACLE: "#009E73"}


def draw_plots(report: Report, folder: Path) -> list[Path] | None:
    """Write the PNG files; None where matplotlib is not installed."""
    makers = {"strategies.png": _strategies, "calls.png": _calls, "divergence.png": _divergence}
    return draw(report, makers, folder)


def _strategies(report: Report) -> "Figure":
    names = list(dict.fromkeys(name for result in report.pairs for name in result.headline.scores))
    figure, panels = _panels(report.pairs, 4.0, sharey=True)
    for axes, result in zip(panels, report.pairs, strict=True):
        for row, name in enumerate(names):
            if name in result.headline.scores:
                score = result.headline.scores[name]
                look: Any = {"color": _COLORS.get(name, _GRAY), "marker": "o", "markersize": 5, "linestyle": "none"}
                axes.errorbar(score.mne, row, xerr=BAR * score.standard_error, **look)
        axes.axvline(result.headline.scores[BASE].mne, color="#cccccc", linewidth=1)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel("mean normalized error (bars: 95 %)", fontsize=9)
    return figure


def _calls(report: Report) -> "Figure | None":
    results = [result for result in report.pairs if result.simulated and result.headline.calls]
    if not results:
        return None
    figure, panels = _panels(results, 3.2)
    for axes, result in zip(panels, results, strict=True):
        calls = result.headline.calls
        if calls is not None:
            percent = [100 * share for share in calls.shares]
            axes.plot(percent, calls.random, color=_GRAY, linestyle=":", label="at random")
            axes.plot(percent, calls.best_first, color=_COLORS[LEARNED], label="best first, by expected gain")
            axes.plot(percent, calls.oracle, color=_COLORS[ORACLE], linestyle="--", label="an oracle's order")
    panels[0].set_ylabel("mean normalized error")
    figure.supxlabel("tracks looked up, %", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _divergence(report: Report) -> "Figure":
    figure, panels = _panels(report.pairs, 3.2, sharey=True)
    for axes, result in zip(panels, report.pairs, strict=True):
        bins = result.headline.by_divergence
        axes.bar(range(len(bins)), [100 * each.other_wins for each in bins], color=_COLORS["divergence"], width=0.7)
        labels = [f"{each.title.removeprefix('divergence ')}\n{each.rows:,}" for each in bins]
        axes.set_xticks(range(len(bins)), labels, fontsize=7)
        axes.axhline(50, color="#444444", linewidth=1)
    panels[0].set_ylabel("tracks that the other estimate wins, %")
    figure.supxlabel("mean divergence of the track, and tracks", fontsize=9)
    return figure


def _panels(results: Sequence[PairResult], height: float, *, sharey: bool = False) -> "tuple[Figure, list[Any]]":
    """A row of panels, one for each pair, with its name and the number of tracks."""
    # A figure of its own needs no display and leaves no state behind, as pyplot would.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.4 + 2.5 * len(results), height))
    axes = list(figure.subplots(1, len(results), sharey=sharey, squeeze=False)[0])
    for panel, result in zip(axes, results, strict=True):
        what = "simulated look-ups" if result.simulated else result.other
        panel.set_title(f"{result.base} with {what}\n({result.headline.rows:,} tracks)")
    return figure, axes
