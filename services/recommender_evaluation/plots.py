"""The plot of the report. matplotlib belongs to the extra `train`: without it there is none."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.recommender_evaluation.report import MAIN_MEASURE, Report
from services.recommender_evaluation.rows import OURS, ROWS
from services.report_files import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by any color vision (Okabe and Ito, 2008).
_GRAY, _COLOR = "#8a8a8a", "#D55E00"


def draw_plots(report: Report, folder: Path) -> list[Path] | None:
    """Write the PNG file; None where matplotlib is not installed."""
    return draw(report, {"recommenders.png": _recommenders}, folder)


def _recommenders(report: Report) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 1.2 + 0.32 * len(report.rows)))
    accuracy, reach = figure.subplots(1, 2, sharey=True)
    for place, row in enumerate(report.rows):
        look: Any = {"color": _COLOR if row.name in OURS else _GRAY, "marker": "o", "markersize": 5}
        interval = row.interval(MAIN_MEASURE)
        accuracy.errorbar(interval.mean, place, xerr=interval.high - interval.mean, linestyle="none", **look)
        reach.plot(100 * row.coverage, place, linestyle="none", **look)
    accuracy.set_yticks(range(len(report.rows)), [ROWS[row.name].title for row in report.rows])
    accuracy.set_ylim(len(report.rows) - 0.4, -0.6)
    accuracy.set_xlabel(f"{MAIN_MEASURE} (bars: 95 %)")
    reach.set_xlabel("items in anybody's first 20, %")
    return figure
