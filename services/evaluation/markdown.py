"""Markdown tables and the numbers in them."""

import math
from collections.abc import Iterable, Sequence

UNDEFINED = "–"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers, set to the right."""
    lines = [list(header), ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def number(value: float | None, decimals: int = 4, *, signed: bool = False) -> str:
    """A number with a fixed count of decimals, or a dash where it is not defined."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:{'+' if signed else ''}.{decimals}f}"


def plus_minus(value: float, error: float, decimals: int = 4, *, signed: bool = False) -> str:
    """A number and its standard error."""
    shown = number(value, decimals, signed=signed)
    return shown if not math.isfinite(error) else f"{shown} ± {number(error, decimals)}"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return UNDEFINED if value is None or not math.isfinite(value) else f"{value:.0%}"


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, thousands separated."""
    if not math.isfinite(value):
        return UNDEFINED
    if value == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{round(value, digits - 1 - math.floor(math.log10(abs(value)))):,.{decimals}f}"


def listing(names: Sequence[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
