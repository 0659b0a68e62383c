"""`musicspace evaluate`: how good the trained models are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import err, print_json, progress_bar, steps_on
from cli.console import out as stdout
from cli.evaluate_audio import evaluate_audio
from cli.evaluate_matching import evaluate_matching
from cli.evaluate_recommenders import evaluate_recommenders
from cli.evaluate_routing import evaluate_routing
from core.features import FEATURE_NAMES

if TYPE_CHECKING:
    from models.evaluation import Evaluation, Score
    from services.evaluation.report import Report
    from services.report_files import Outcome

app = typer.Typer(help="Evaluate models.", no_args_is_help=True)


@app.callback()
def evaluate() -> None:
    """Evaluate models."""


app.command("audio")(evaluate_audio)
app.command("matching")(evaluate_matching)
app.command("recommenders")(evaluate_recommenders)
app.command("routing")(evaluate_routing)


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


@app.command("predictors")
def evaluate_predictors(
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    out: Annotated[Path, typer.Option(help="Folder for report.md, details.md, report.json and the plots.")],
    splits: Annotated[
        str, typer.Option(help="Which of random, artist, temporal and genre, separated by commas; by default all.")
    ] = "",
    predictors: Annotated[str, typer.Option(help="Which predictors, separated by commas; by default all.")] = "",
    work_dir: Annotated[
        Path | None,
        typer.Option(help="Where predictors trained for the temporal split are kept; by default in the data folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths and main figures as JSON.")] = False,
) -> None:
    """Compare all predictors on several splits of a table, and write a report. Training for temporal takes minutes."""
    from core.settings import get_settings
    from models.registry import shipped_artifacts
    from services.evaluation import Request
    from services.evaluation import evaluate_predictors as run_evaluation

    settings = get_settings()
    request = Request(
        data=data,
        out=out,
        work_dir=work_dir or settings.data_dir / "evaluation",
        artifacts_dir=settings.artifacts_dir or shipped_artifacts(),
        splits=_names(splits),
        predictors=_names(predictors),
    )
    with progress_bar(quiet=as_json) as progress:
        outcome = run_evaluation(request, steps_on(progress))
    _show(outcome, as_json=as_json)


def _names(separated: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in separated.split(",") if name.strip())


def _show(outcome: "Outcome[Report]", *, as_json: bool) -> None:
    if as_json:
        mne = {
            f"{result.title}, {'all' if result.min_popularity is None else f'popularity >= {result.min_popularity}'}": {
                name: round(score.mne, 4) for name, score in result.scores.items()
            }
            for result in outcome.report.sets
        }
        print_json({"files": [str(path) for path in outcome.files], "mne": mne})
        return
    stdout.print(_comparison_table(outcome))
    stdout.print(f"Written to {outcome.files[0].parent}: {', '.join(path.name for path in outcome.files)}.")
    if outcome.plots_missing:
        err.print("There are no plots, for matplotlib is not installed: pip install 'musicspace[train]'")


def _comparison_table(outcome: "Outcome[Report]") -> Table:
    """MNE of every predictor, of popular tracks where popularity is known."""
    results = outcome.report.headline_sets
    table = Table(title="Mean normalized error of eight features")
    table.add_column("", no_wrap=True)
    for result in results:
        which = "all" if result.min_popularity is None else f"pop. >= {result.min_popularity}"
        table.add_column(f"{result.title}\n{which}\n{result.rows:,} tracks", justify="right")
    for name in results[0].scores:
        table.add_row(name, *(f"{result.scores[name].mne:.4f}" for result in results))
    return table


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
