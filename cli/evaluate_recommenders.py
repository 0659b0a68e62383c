"""`musicspace evaluate recommenders`: what users get of the artists that were held out from them."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import err, progress_bar, steps_on
from cli.console import out as stdout

if TYPE_CHECKING:
    from services.recommender_evaluation.report import Report
    from services.report_files import Outcome


def evaluate_recommenders(
    data: Annotated[Path, typer.Option(help="Folder of Last.fm: plays, artists and artist_tags as Parquet.")],
    tracks: Annotated[
        Path | None,
        typer.Option(help="Table of tracks with audio features; by default tracks.parquet beside the folder."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.md, report.json and the plot; by default none.")
    ] = None,
    rows: Annotated[str, typer.Option(help="Which recommenders, separated by commas; by default all.")] = "",
    users: Annotated[int | None, typer.Option(min=20, help="Only so many users, for a quick look.")] = None,
    write_weights: Annotated[
        Path | None, typer.Option(help="Write the weights learned for merging into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Hold out a fifth of what every user of Last.fm plays, and look who finds it. All of it takes minutes."""
    from services.recommender_evaluation import Request
    from services.recommender_evaluation import evaluate_recommenders as run_evaluation

    chosen = tuple(name.strip() for name in rows.split(",") if name.strip())
    beside = data.resolve().parent / "tracks.parquet"
    request = Request(data, tracks or beside, out, chosen, users, write_weights)
    with progress_bar(quiet=as_json) as progress:
        outcome = run_evaluation(request, steps_on(progress))
    _show(outcome, as_json=as_json)


def _show(outcome: "Outcome[Report]", *, as_json: bool) -> None:
    from services.recommender_evaluation.findings import findings

    report = outcome.report
    if as_json:
        stdout.file.write(report.to_json())
        return
    stdout.print(_table(report))
    stdout.print(findings(report))
    if outcome.files:
        names = ", ".join(path.name for path in outcome.files)
        stdout.print(f"Written to {outcome.files[0].parent}: {names}.")
    if outcome.plots_missing:
        err.print("There is no plot, for matplotlib is not installed: pip install 'musicspace[train]'")


def _table(report: "Report") -> Table:
    from services.recommender_evaluation.figures import MEASURES

    data = report.data
    table = Table(
        title=f"{data.held_out:,} artists held out from {data.users:,} users, {data.items:,} candidates",
        caption="±: half of the 95 % interval.",
    )
    table.add_column("", no_wrap=True)
    for measure in MEASURES:
        table.add_column(measure.replace("@", "\n@"), justify="right")
    for title in ("cover-\nage@20", "novelty\n@20", "fit s", "ms"):
        table.add_column(title, justify="right")
    for row in report.rows:
        intervals = [row.interval(measure) for measure in MEASURES]
        table.add_row(
            report.title(row),
            *(f"{each.mean:.3f}\n±{each.high - each.mean:.3f}" for each in intervals),
            "" if isnan(row.coverage) else f"{row.coverage:.1%}",
            f"{row.novelty:.2f}",
            f"{row.fit_seconds:,.1f}",
            f"{row.ms_per_user:,.1f}",
        )
    return table
