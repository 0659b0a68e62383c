"""`musicspace models`: the versions of the predictors, which one serves, and how to change that."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import out, print_json

if TYPE_CHECKING:
    from db.repositories.model_versions import VersionRow
    from services.model_versions import ModelOverview

app = typer.Typer(
    help="Versions of the predictors: list, promote, roll back. Models of users: usage, cleanup, rollback-user.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="PREDICTOR", help="Which predictor, e.g. m1.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the version.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_command(
    name: Annotated[str | None, typer.Argument(metavar="PREDICTOR", help="Only this predictor, e.g. m1.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of every predictor, or of one with the history of its promotions."""
    from cli.servers import connected
    from db.engine import open_session
    from models.registry import require_predictor
    from services.model_versions import list_models, model_overview
    from services.serving import ModelFolders

    if name is not None:
        require_predictor(name)
    with connected() as settings, open_session(settings.required_database_url) as session:
        folders = ModelFolders.of(settings)
        models = list_models(session, folders) if name is None else [model_overview(session, name, folders)]
    if as_json:
        print_json([asdict(model) for model in models])
        return
    _show(models)
    if name is not None:
        _show_promotions(models[0])


@app.command()
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="`musicspace models list` shows them.")],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Let a version serve, whatever its figures are. Enrichment uses it from the next work item on."""
    from cli.servers import connected
    from db.engine import open_session
    from models.registry import require_predictor
    from services.model_versions import promote as promote_version
    from services.serving import ModelFolders

    require_predictor(name)
    with connected() as settings, open_session(settings.required_database_url) as session:
        row = promote_version(session, name, version, ModelFolders.of(settings), reason)
        session.commit()
    if as_json:
        print_json(asdict(row))
    else:
        out.print(f"{name} {row.version} serves. `musicspace enrich-all --outdated` renews what others wrote.")


@app.command()
def rollback(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Let the version before the one that serves serve again; at the end of the line, the shipped one."""
    from cli.servers import connected
    from db.engine import open_session
    from models.registry import require_predictor
    from services.model_versions import rollback as roll_back
    from services.serving import ModelFolders

    require_predictor(name)
    with connected() as settings, open_session(settings.required_database_url) as session:
        serving = roll_back(session, name, ModelFolders.of(settings), reason)
        session.commit()
    if as_json:
        print_json({"name": name, "serving": serving})
    else:
        out.print(f"{name} {serving} serves again. `musicspace enrich-all --outdated` renews what others wrote.")


def _show(models: "list[ModelOverview]") -> None:
    from rich.table import Table

    table = Table("predictor", "version", "state", "error", "compared with", "trained", "why", title="Versions")
    for model in models:
        for row in model.versions:
            trained = f"{row.trained_at:%Y-%m-%d %H:%M}"
            table.add_row(model.name, row.version, row.state, _error(row), row.baseline or "", trained, row.reason)
        if model.shipped is not None:
            state = "serves" if model.serving == model.shipped else "shipped"
            table.add_row(model.name, model.shipped, state, "", "", "", "Shipped with MusicSpace.")
    out.print(table)


def _show_promotions(model: "ModelOverview") -> None:
    for row in model.promotions:
        out.print(f"{row.promoted_at:%Y-%m-%d %H:%M} {row.version} promoted. {row.reason}", soft_wrap=True)
        if row.rolled_back_at is not None:
            out.print(f"{row.rolled_back_at:%Y-%m-%d %H:%M} {row.version} rolled back: {row.rollback_reason}")


def _error(row: "VersionRow") -> str:
    error = row.metrics.get("error")
    return "" if error is None else f"{error:.4f}"
