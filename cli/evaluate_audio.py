"""`musicspace evaluate audio`: tempo, key and beats on music of known truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import err, print_json, progress_bar, steps_on
from cli.console import out as stdout

if TYPE_CHECKING:
    from services.audio_evaluation.report import Report
    from services.report_files import Outcome


def evaluate_audio(
    out: Annotated[Path, typer.Option(help="Folder for report.md, report.json and the plots.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of real recordings, with ground_truth.csv; by default none.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Rendered pieces of each style.")] = 12,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    no_librosa: Annotated[bool, typer.Option("--no-librosa", help="Leave the yardstick out.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds give other pieces.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths and main figures as JSON.")] = False,
) -> None:
    """Measure tempo, key and beats of rendered music of known truth and of real recordings, beside librosa."""
    from services.audio_evaluation import Request
    from services.audio_evaluation import evaluate_audio as run_evaluation

    request = Request(out, data, n_per_style=n, seed=seed, jobs=jobs, yardstick=not no_librosa)
    with progress_bar(quiet=as_json) as progress:
        outcome = run_evaluation(request, steps_on(progress))
    _show(outcome, as_json=as_json)


def _show(outcome: "Outcome[Report]", *, as_json: bool) -> None:
    from services.audio_evaluation.pages import MEASURES, interval

    report = outcome.report
    columns = {f"{family.name} styles": family.ours for family in report.families}
    if report.judged.yardstick is not None:
        columns |= {"librosa": report.judged.yardstick}
    if as_json:
        figures = {
            title: {name: round(getattr(scores, name).value, 4) for name in MEASURES}
            for title, scores in columns.items()
        }
        print_json({"files": [str(path) for path in outcome.files], "figures": figures, "songs": _song_counts(report)})
        return
    table = Table(title=f"{len(report.judged.pieces):,} pieces of styles that nothing was fitted to")
    table.add_column("", no_wrap=True)
    for title in columns:
        table.add_column(title, justify="right")
    for name, title in MEASURES.items():
        table.add_row(title, *(interval(getattr(scores, name)) for scores in columns.values()))
    stdout.print(table)
    for method, (right, precise, known) in _song_counts(report).items():
        stdout.print(
            f"Real recordings of well-known tempo, {method}: {right} of {known} within 4 %, {precise} within 0.2 %"
        )
    stdout.print(f"Written to {outcome.files[0].parent}: {', '.join(path.name for path in outcome.files)}.")
    if outcome.plots_missing:
        err.print("There are no plots, for matplotlib is not installed: pip install 'musicspace[train]'")


def _song_counts(report: "Report") -> dict[str, tuple[int, int, int]]:
    """By method: recordings of well-known tempo that are right within 4 %, within .2 %, and all of them."""
    better = [song for song in report.songs if song.better and song.right]
    methods = dict.fromkeys(method for song in better for method in song.right)
    return {
        method: (
            sum(song.right[method] for song in better),
            sum(song.precise[method] for song in better),
            len(better),
        )
        for method in methods
    }
