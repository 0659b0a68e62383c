"""`musicspace train router`: learn anew which of two estimates to trust."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import out as stdout
from cli.console import print_json, progress_bar


def train_router(
    data: Annotated[Path, typer.Option(help="Reference table (.parquet or .csv) with features and folds.")],
    out: Annotated[Path, typer.Option(help="Folder of trained models that `router` is written into.")],
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Answers of a provider: a recording (.jsonl) of `evaluate routing --record`, or a table. Without it "
            "the look-ups are simulated."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card's figures as JSON.")] = False,
) -> None:
    """Train the learned router beside the blend, and write it with its card.

    MUSICSPACE_ARTIFACTS_DIR names the folder that models are loaded from; MUSICSPACE_ROUTING__STRATEGY=learned uses it.
    """
    from services.router_training import train_router_into

    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("Training the router", total=None, note="")
        card = train_router_into(
            data, out, answers, lambda done, total: progress.update(task, completed=done, total=total)
        )
    if as_json:
        print_json({"version": card.version, "rows": card.rows, **card.metrics})
        return
    for name, value in card.metrics.items():
        stdout.print(f"{name}: {value}")
    stdout.print(f"{card.name} {card.version} written to {out / card.name}.")
