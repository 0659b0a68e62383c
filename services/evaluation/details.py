"""`details.md`: every table of every set."""

from models.evaluation.compare import SetResult
from services.evaluation.report import Report
from services.evaluation.tables import (
    coverage_table,
    duel_table,
    feature_table,
    genre_table,
    samples_table,
    set_name,
    spread_table,
    targets_table,
    unit_table,
    width_table,
)


def details_page(report: Report) -> str:
    """The content of `details.md`."""
    intro = (
        f"All figures of [the report](report.md) of {report.created}, made by `{report.command}`. What they mean is "
        "said there."
    )
    sections = [f"## {set_name(result)} ({result.rows:,} tracks)\n\n{_tables(result)}" for result in report.sets]
    return "\n\n".join(["# All tables of the evaluation", intro, *sections]) + "\n"


def _tables(result: SetResult) -> str:
    tables = {
        "Errors, intervals, wins": spread_table(result),
        "Duels": duel_table(result) if result.duels else "",
        "Mean normalized error": feature_table(result, "error", 4),
        "Mean absolute error, in the unit of the feature": unit_table(result, "mae"),
        "Mean squared error": unit_table(result, "mse"),
        "Coefficient of determination": feature_table(result, "r2", 3),
        "Pearson's correlation": feature_table(result, "pearson", 3),
        "Coverage of the 80 % intervals": coverage_table(result),
        "Mean width of the 80 % intervals, in the unit of the feature": width_table(result),
        "Targets for the mean squared error (bold: met)": targets_table(result),
        "MNE by main genre": genre_table(result),
        "MNE in samples of 100 tracks": samples_table(result) if result.samples else "",
    }
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in tables.items() if table)
