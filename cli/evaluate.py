"""`musicspace evaluate`: how good the trained models are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import err, print_json
from cli.console import out as stdout
from core.features import FEATURE_NAMES

if TYPE_CHECKING:
    from models.evaluation import Evaluation, Score

app = typer.Typer(help="Evaluate models.", no_args_is_help=True)


@app.callback()
def evaluate() -> None:
    """Evaluate models."""


@app.command("predictor")
def evaluate_predictor(
    name: Annotated[str, typer.Argument(metavar="PREDICTOR", help="Which predictor to evaluate, e.g. m1.")],
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Print mean normalized error, interval coverage and speed of a predictor on the holdout folds of a table."""
    from core.settings import get_settings
    from models.evaluation import evaluate
    from models.registry import load_predictor
    from models.training_data import read_reference_table

    predictor = load_predictor(name, get_settings().artifacts_dir)
    with err.status(f"Evaluating {name}"):
        evaluation = evaluate(predictor, read_reference_table(data))
    if as_json:
        print_json(evaluation.as_dict())
    else:
        stdout.print(evaluation_table(evaluation))


def evaluation_table(evaluation: "Evaluation") -> Table:
    """Features in rows; for each set of tracks the error and, in brackets, the coverage of the 80 % interval."""
    table = Table(
        title=f"{evaluation.predictor} {evaluation.version}: mean normalized error (coverage of the 80 % interval)",
        caption=f"{evaluation.tracks_per_second:,.0f} tracks/s in one process. The eight leave liveness out.",
    )
    table.add_column("", no_wrap=True)
    for score in evaluation.scores:
        which = "all" if score.min_popularity is None else f"pop. >= {score.min_popularity}"
        # Broken by hand: four sets of tracks fit into 80 columns.
        fold = score.fold.replace("-", "-\n")
        table.add_column(f"{fold}\n{which}\n{score.rows:,} tracks", justify="right")
    for row, feature in enumerate(FEATURE_NAMES):
        table.add_row(feature, *(f"{score.error[row]:.4f} ({score.coverage[row]:.0%})" for score in evaluation.scores))
    table.add_section()
    for label, cells in _summary_rows(evaluation.scores):
        table.add_row(label, *cells)
    return table


def _summary_rows(scores: "list[Score]") -> list[tuple[str, list[str]]]:
    return [
        ("mean of eight", [f"{score.mne_eight:.4f}" for score in scores]),
        ("mean of nine", [f"{score.mne_nine:.4f} ({score.mean_coverage:.0%})" for score in scores]),
        ("global mean: 8", [f"{score.yardstick_eight:.4f}" for score in scores]),
    ]
