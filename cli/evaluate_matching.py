"""`musicspace evaluate matching`: how often tracks are matched wrongly to the reference table, and how often missed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import out as stdout
from cli.console import print_json, progress_bar

if TYPE_CHECKING:
    from services.reference.evaluation import MatchingEvaluation
    from services.report_files import OnStep


def evaluate_matching(
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with ids, durations and folds.")],
    out: Annotated[Path | None, typer.Option(help="Folder for matching.md.")] = None,
    per_kind: Annotated[int, typer.Option(min=1, help="At most so many tracks of each kind.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Look up respelled copies of real tracks, and impostors, in a table of the others; count wrong and missed matches.

    The table is loaded into a Postgres of its own in a temporary folder; the database in use is left alone.
    """
    from models.training_data import read_reference_table
    from services.reference.matching_report import render

    table = read_reference_table(data)
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("Starting Postgres", total=None, note="")
        evaluation = _evaluate(
            table,
            per_kind,
            seed,
            lambda step, done, total: progress.update(task, description=step, completed=done, total=total),
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        command = f"musicspace evaluate matching --data {data} --out {out} --per-kind {per_kind} --seed {seed}"
        (out / "matching.md").write_text(render(evaluation, command), encoding="utf-8")
    if as_json:
        print_json(evaluation.as_dict())
        return
    stdout.print(_table(evaluation))
    if out is not None:
        stdout.print(f"Written to {out / 'matching.md'}.")


def _evaluate(table: object, per_kind: int, seed: int, on_step: "OnStep") -> "MatchingEvaluation":
    """Evaluate on a database that lives as long as this function."""
    import shutil
    import tempfile

    from core.settings import get_settings
    from db.engine import get_engine, open_session
    from db.migrate import upgrade
    from integrations.embedded import embedded_servers
    from models.training_data import ReferenceTable
    from services.reference.evaluation import evaluate_matches

    assert isinstance(table, ReferenceTable)
    folder = Path(tempfile.mkdtemp(prefix="musicspace-matching-"))
    # As root the server runs as another user, who has to reach the folder.
    folder.chmod(0o755)
    chosen = {"data_dir": folder, "database_url": None, "redis_url": None}
    try:
        with embedded_servers(get_settings().model_copy(update=chosen)) as urls:
            upgrade(urls.database_url)
            with open_session(urls.database_url) as session:
                evaluation = evaluate_matches(session, table, per_kind=per_kind, seed=seed, on_step=on_step)
            get_engine(urls.database_url).dispose()
            return evaluation
    finally:
        shutil.rmtree(folder)


def _table(evaluation: "MatchingEvaluation") -> Table:
    table = Table(
        title=f"Matches to {evaluation.n_references:,} recordings, ids withheld",
        caption=f"{evaluation.recall:.1%} of the tracks in the table are found; "
        f"{evaluation.wrong:,} of {evaluation.n:,} look-ups match wrongly.",
    )
    table.add_column("kind", no_wrap=True)
    for header in ("tracks", "found", "missed", "wrong"):
        table.add_column(header, justify="right")
    for result in evaluation.positives:
        shares = (f"{count / result.n:.1%}" if result.n else "–" for count in (result.right, result.missed))
        table.add_row(result.kind, f"{result.n:,}", *shares, f"{result.wrong:,}")
    table.add_section()
    for result in evaluation.negatives:
        table.add_row(f"impostor: {result.kind}", f"{result.n:,}", f"{result.right:,}", "", f"{result.wrong:,}")
    return table
