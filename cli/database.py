"""`musicspace db ...`: the schema."""

from typing import Annotated

import typer

from cli.console import out, print_json

db_app = typer.Typer(help="The database schema.", no_args_is_help=True)


@db_app.callback()
def _group() -> None:
    """The database schema."""


@db_app.command()
def upgrade(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Bring the schema to the newest version, keeping all data. Safe to run at any time, also twice at once."""
    from core.settings import get_settings
    from db import migrate
    from integrations.embedded import embedded_servers

    settings = get_settings()
    if settings.database_url is not None:
        revision = migrate.upgrade(settings.database_url)
    else:
        with embedded_servers(settings) as urls:
            revision = migrate.upgrade(urls.database_url)
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"The schema is at revision {revision}.")
