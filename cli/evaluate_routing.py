"""`musicspace evaluate routing`: which of two estimates to trust, by every strategy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import err, print_json, progress_bar, steps_on
from cli.console import out as stdout
from core.errors import PermanentError

if TYPE_CHECKING:
    from core.settings import Settings
    from services.report_files import Outcome
    from services.routing_evaluation.report import Report


def evaluate_routing(
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    out: Annotated[Path | None, typer.Option(help="Folder for report.md, report.json and the plots.")] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            help="BASE,OTHER: predictors or files (.parquet, .csv, .jsonl), OTHER also `simulated`. May be repeated; "
            "by default m1 and blend with simulated look-ups, m1,blend and neural,blend."
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Recorded answers (.jsonl): evaluated as the other of m1 and of blend.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Ask Gemini about popular holdout tracks and append its answers to this file.")
    ] = None,
    tracks: Annotated[int, typer.Option(min=1, help="With --record: how many tracks to ask about.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths and main figures as JSON.")] = False,
) -> None:
    """Route pairs of estimates by every strategy and write the tables of the platform's routing study."""
    from core.settings import get_settings

    settings = get_settings()
    if record is not None:
        _record(data, record, tracks)
        if out is None:
            return
        replay = replay or record
    if out is None:
        raise PermanentError("invalid-option", "--out names the folder of the report; only --record does without it.")
    pairs = tuple(pair or ()) + ((f"m1,{replay}", f"blend,{replay}") if replay is not None else ())
    _show(_evaluated(settings, data, out, pairs, as_json=as_json), as_json=as_json)


def _evaluated(
    settings: "Settings", data: Path, out: Path, pairs: tuple[str, ...], *, as_json: bool
) -> "Outcome[Report]":
    from models.registry import shipped_artifacts
    from services.routing_evaluation import Request
    from services.routing_evaluation import evaluate_routing as run_evaluation

    request = Request(data, out, settings.artifacts_dir or shipped_artifacts(), pairs)
    with progress_bar(quiet=as_json) as progress:
        return run_evaluation(request, steps_on(progress))


def _record(data: Path, path: Path, n_tracks: int) -> None:
    """Ask about popular holdout tracks, drawn with a fixed seed, and append the answers."""
    from contextlib import closing

    from cli.servers import connected
    from core.providers import Provider
    from models.training_data import read_reference_table
    from services.look_ups.clients import open_client
    from services.routing_evaluation.recordings import draw_popular, patiently, record
    from tasks.provider_gate import ProviderGate

    table = draw_popular(read_reference_table(data), n_tracks)
    with connected() as settings, closing(open_client(settings, Provider.GEMINI)) as client:
        gate = ProviderGate(settings, Provider.GEMINI)
        model, _, prompt_version = client.variant.partition("+")
        with progress_bar(quiet=False) as progress:
            task = progress.add_task("Asking", total=len(table), note="")
            asked = record(
                path,
                table.tracks,
                patiently(lambda questions: client.ask(questions, gate)),
                model=model,
                prompt_version=prompt_version,
                batch_size=client.batch_size,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    err.print(f"{asked:,} tracks asked about; the answers are in {path}.")


def _show(outcome: "Outcome[Report]", *, as_json: bool) -> None:
    report = outcome.report
    if as_json:
        mne = {r.title: {n: round(score.mne, 4) for n, score in r.headline.scores.items()} for r in report.pairs}
        print_json({"files": [str(path) for path in outcome.files], "mne": mne})
        return
    table = Table(title="Mean normalized error of eight features")
    table.add_column("", no_wrap=True)
    for result in report.pairs:
        table.add_column(f"{result.title}\n{result.headline.rows:,} tracks", justify="right")
    for name in dict.fromkeys(name for result in report.pairs for name in result.headline.scores):
        scores = [result.headline.scores.get(name) for result in report.pairs]
        table.add_row(name, *("" if score is None else f"{score.mne:.4f}" for score in scores))
    stdout.print(table)
    stdout.print(f"Written to {outcome.files[0].parent}: {', '.join(path.name for path in outcome.files)}.")
    if outcome.plots_missing:
        err.print("There are no plots, for matplotlib is not installed: pip install 'musicspace[train]'")
