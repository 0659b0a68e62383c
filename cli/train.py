"""`musicspace train`: build the trained models."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import out as stdout
from cli.console import print_json, progress_bar

app = typer.Typer(help="Train models.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train models."""


@app.command("global")
def train_global(
    name: Annotated[str, typer.Argument(metavar="PREDICTOR", help="Which predictor to train, e.g. m1.")],
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of trained models; by default the one predictions read from.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation as JSON.")] = False,
) -> None:
    """Train a predictor that serves everybody, judge it on the holdouts, and publish it with its model card."""
    from cli.evaluate import evaluation_table
    from core.settings import get_settings
    from models.registry import shipped_artifacts
    from services.training import train_global as run_training

    root = out or get_settings().artifacts_dir or shipped_artifacts()
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task(f"Training {name}", total=None, note="")
        result = run_training(name, data, root, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        print_json({"folder": str(result.folder), **result.evaluation.as_dict(), "version": result.card.version})
        return
    stdout.print(evaluation_table(result.evaluation))
    stdout.print(f"{result.card.name} {result.card.version} written to {result.folder}.")
