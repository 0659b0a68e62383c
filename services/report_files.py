"""Files of an evaluation: pages, figures as JSON, plots in one style."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.durable_files import replacing
from core.errors import PermanentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

R = TypeVar("R")

#: Called with what is being done, and the steps done and all steps of it (None: not known).
OnStep = Callable[[str, int, int | None], None]

#: Standard errors in a bar of a plot: about 95 % of the chance.
BAR = 1.96

_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "figure.constrained_layout.use": True,
}
_DPI = 130


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """A finished evaluation."""

    report: R
    files: list[Path]
    plots_missing: bool  #: Whether there are no plots for want of matplotlib


def require_folder(out: Path) -> None:
    """Make the folder; refuses early (`PermanentError`, `invalid-option`) what could only fail minutes later."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError("invalid-option", f"{out} cannot be a folder ({error.strerror}).") from None


def plain(value: Any) -> Any:
    """JSON values: finite numbers of six significant digits, `None` for what is not defined."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def write_report(report: R, folder: Path, pages: Mapping[str, str], plots: list[Path] | None) -> Outcome[R]:
    """Write texts under their file names, each whole or not at all, beside the plots that were drawn."""
    for name, content in pages.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return Outcome(report, [folder / name for name in pages] + (plots or []), plots_missing=plots is None)


def draw(report: R, makers: "Mapping[str, Callable[[R], Figure | None]]", folder: Path) -> list[Path] | None:
    """Write the PNG files that the makers of figures, by file name, find something for.

    Returns `None` where matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        return None
    from matplotlib import rc_context

    paths = []
    with rc_context(_STYLE):
        for name, make in makers.items():
            figure = make(report)
            if figure is not None:
                with replacing(folder / name) as temporary:
                    # Without the version of matplotlib the same figures give the same bytes.
                    figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Software": None})
                paths.append(folder / name)
    return paths
