"""`musicspace reference`: the table of recordings whose features are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import out, print_json, progress_bar, steps_on

if TYPE_CHECKING:
    pass

app = typer.Typer(help="The table of recordings whose features are known: load, look.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet: artist, title, nine features, ids.")],
    dataset: Annotated[
        str | None, typer.Option(help="Name under which its rows are listed. Default: the file's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load recordings with known features. Loading a file again changes nothing; a newer one renews what it holds.

    Artist, title and all nine features are needed; Spotify id, ISRC and duration make matches surer. Rows that cannot
    be used are counted by reason. Everything happens in one transaction: interrupted, it leaves the table as it was.
    """
    from dataclasses import asdict

    from cli.servers import connected
    from db.engine import open_session
    from services.reference.loading import load_reference
    from services.reference.reading import open_reference

    open_reference(file)  # What is wrong with the file is said before a server starts.
    with (
        connected() as settings,
        progress_bar(quiet=as_json) as progress,
        open_session(settings.required_database_url) as session,
    ):
        summary = load_reference(session, file, dataset, steps_on(progress))
        session.commit()
    if as_json:
        print_json(asdict(summary))
        return
    out.print(
        f"{summary.dataset}: {summary.rows:,} rows read, {summary.inserted:,} new, {summary.updated:,} renewed, "
        f"{summary.unchanged:,} as before."
    )
    if summary.left_out:
        first = summary.first_left_out
        reasons = ", ".join(
            f"{count:,} {reason}" + (f" (first: row {first[reason]:,})" if reason in first else "")
            for reason, count in summary.left_out.items()
        )
        out.print(f"{sum(summary.left_out.values()):,} rows left out: {reasons}.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the data sets in the reference table, and the last loads."""
    from cli.servers import connected
    from db.engine import open_session
    from services.reference.loading import reference_status

    with connected() as settings, open_session(settings.required_database_url) as session:
        found = reference_status(session)
    if as_json:
        print_json(found)
    elif not found["rows"]:
        out.print("The reference table is empty; `musicspace reference load FILE` fills it.")
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=f"Reference table: {found['rows']:,} recordings")
    table.add_column("data set")
    for name in ("rows", "Spotify id", "ISRC", "duration", "last loaded"):
        table.add_column(name, justify="right")
    for row in found["datasets"]:
        counts = (row["rows"], row["with_spotify_id"], row["with_isrc"], row["with_duration"])
        table.add_row(row["dataset"], *(f"{count:,}" for count in counts), f"{row['loaded_at']:%Y-%m-%d %H:%M}")
    out.print(table)
    for row in found["loads"]:
        left_out = sum(row["rows_left_out"].values())
        out.print(
            f"{row['loaded_at']:%Y-%m-%d %H:%M} {row['file']}: {row['rows_inserted']:,} new, "
            f"{row['rows_updated']:,} renewed, {row['rows_unchanged']:,} as before, {left_out:,} left out.",
            soft_wrap=True,
        )
