"""`musicspace tune`: let a trained model learn from more tracks without forgetting."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import out as stdout
from cli.console import print_json, progress_bar
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

    from models.predictors.neural.tuning import TuningResult

app = typer.Typer(help="Tune trained models.", no_args_is_help=True)


@app.callback()
def tune() -> None:
    """Tune trained models."""


@app.command("neural")
def tune_neural(
    data: Annotated[Path, typer.Option(help="Table (.parquet or .csv) whose fold `train` is learned from.")],
    out: Annotated[Path, typer.Option(help="Folder of trained models that gets the tuned one.")],
    reference: Annotated[
        Path | None,
        typer.Option(help="Table of the first training: its holdouts tell what was forgotten. By default DATA."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Folder of the model to start from; by default the one in use.")
    ] = None,
    genre: Annotated[str | None, typer.Option(help="Adapt to one genre: learn from its tracks only.")] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Passes over the tracks.")] = 3,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=0.1, help="Step size; small ones forget less.")] = 1e-4,
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, help="Largest growth of the error on the old holdouts; beyond, nothing is written."),
    ] = 0.002,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Fine-tune the heads of the neural predictor on new tracks, or on one genre, and publish it with its card."""
    from core.settings import get_settings
    from models.registry import shipped_artifacts
    from models.training_data import read_reference_table

    tuning = _tuning()
    options = tuning.TuningOptions(epochs=epochs, learning_rate=learning_rate, genre=genre, tolerance=tolerance)
    table = read_reference_table(data)
    known = table if reference is None else read_reference_table(reference)
    start = source or get_settings().artifacts_dir or shipped_artifacts()
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("Tuning neural", total=None, note="")
        card, result = tuning.tune_artifact(
            start, table, known, out, lambda done, total: progress.update(task, completed=done, total=total), options
        )
    if as_json:
        print_json({"folder": str(out / card.name), "version": card.version, "sets": dict(card.metrics)})
        return
    stdout.print(_figures(result))
    stdout.print(f"{card.name} {card.version} written to {out / card.name}.")


def _tuning() -> "ModuleType":
    """The module that tunes; it needs libraries that only training has."""
    from models.registry import TRAIN_LIBRARIES

    try:
        from models.predictors.neural import tuning
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in TRAIN_LIBRARIES:
            raise
        message = f"Tuning neural needs {library}. Run `pip install 'musicspace[train]'`."
        raise ConfigurationError("extra-missing", message) from None
    return tuning


def _figures(result: "TuningResult") -> Table:
    table = Table(title=f"Mean normalized error of eight features, heads tuned on {result.rows:,} tracks")
    for heading in ("", "before", "after", "coverage of the 80 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in result.before:
        table.add_row(name, f"{result.before[name]:.4f}", f"{result.after[name]:.4f}", f"{result.coverage[name]:.1%}")
    return table
