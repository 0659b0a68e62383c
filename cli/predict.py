"""`musicspace predict`: features for a playlist file, offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out as stdout
from cli.console import print_json, progress_bar

if TYPE_CHECKING:
    from services.prediction import PredictionSummary


def predict(
    file: Annotated[Path, typer.Argument(metavar="IN.csv", help="A playlist file: CSV, JSON or M3U.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT.{csv,parquet}", help="Where to write the features.")],
    predictor: Annotated[str, typer.Option(help="Which predictor to use, e.g. blend, neural, m2, m1.")] = "blend",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Predict the nine audio features of every track in a file, with uncertainty. Needs no database and no server."""
    from core.settings import get_settings
    from models.registry import load_predictor
    from services.prediction import predict_file

    settings = get_settings()
    loaded = load_predictor(predictor, settings.artifacts_dir)
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("Predicting", total=None, note="")
        summary = predict_file(
            file, out, loaded, settings.imports, lambda done, total: progress.update(task, completed=done, total=total)
        )
    _show(summary, as_json=as_json)


def _show(summary: "PredictionSummary", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "out": str(summary.out),
                "rows": summary.rows,
                "rejected": summary.rejected,
                "rejects_file": summary.rejects_file and str(summary.rejects_file),
                "predictor": summary.predictor,
                "version": summary.version,
            }
        )
        return
    stdout.print(f"{summary.rows:,} tracks written to {summary.out} ({summary.predictor} {summary.version}).")
    if summary.rejected:
        stdout.print(f"{summary.rejected:,} rows could not be used; {summary.rejects_file} says why.")
