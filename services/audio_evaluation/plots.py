"""The plots of the report. matplotlib belongs to the extra `train`: without it there are none.

Colors are told apart by any color vision (Okabe and Ito); the yardstick is gray.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from services.audio_evaluation.report import Report
from services.report_files import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS, _YARDSTICK, _TUNING = "#D55E00", "#8a8a8a", "#56B4E9"


def draw_plots(report: Report, folder: Path) -> list[Path] | None:
    """Write the PNG files; None where matplotlib is not installed."""
    return draw(report, {"styles.png": _styles, "reliability.png": _reliability}, folder)


def _styles(report: Report) -> "Figure":
    """Two panels of bars: tempo accuracy 1 and key exact, a row for each style."""
    from matplotlib.figure import Figure

    styles = report.judged.styles
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(styles)))
    panels = figure.subplots(1, 2, sharey=True, squeeze=False)[0]
    for axes, name, title in zip(panels, ("accuracy_1", "key_exact"), ("tempo accuracy 1", "key exact"), strict=True):
        for row, style in enumerate(styles):
            axes.barh(row - 0.2, getattr(style.ours, name).value, 0.38, color=_OURS, label="ours" if not row else None)
            if style.yardstick is not None:
                value = getattr(style.yardstick, name).value
                axes.barh(row + 0.2, value, 0.38, color=_YARDSTICK, label="librosa" if not row else None)
        axes.set_title(title)
        axes.set_xlim(0, 1)
    panels[0].set_yticks(range(len(styles)), [style.style for style in styles])
    panels[0].set_ylim(len(styles) - 0.4, -0.6)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _reliability(report: Report) -> "Figure":
    """The share right against the mean confidence of bins; the area of a dot is the number of pieces."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.8))
    panels = figure.subplots(1, 2, squeeze=False)[0]
    for axes, name in zip(panels, ("tempo", "key"), strict=True):
        axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1)
        for family, color in zip(report.families, (_OURS, _TUNING), strict=False):
            own = getattr(family, f"{name}_calibration")
            if own is not None:
                x, y = [b.confidence for b in own.bins], [b.right for b in own.bins]
                axes.plot(x, y, color=color, linewidth=1)
                axes.scatter(
                    x, y, [10 + 400 * b.n / own.n for b in own.bins], color=color, label=f"{family.name} styles"
                )
        axes.set(xlim=(0, 1), ylim=(0, 1.03), title=name, xlabel="confidence")
    panels[0].set_ylabel("share right")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure
