"""Schema versions: upgrade a database, and check that it fits the code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.errors import ConfigurationError
from db.engine import UNAVAILABLE, database_unavailable, get_engine

MIN_POSTGRES = 150000
# Any constant will do; it keeps two upgrades of one database apart.
_UPGRADE_LOCK = 7_620_481


def upgrade(database_url: str) -> str:
    """Bring the schema to the newest version, keeping all data; safe to call at once from several processes.

    Returns the revision. Raises `ConfigurationError` for a server older than Postgres 15 and `RetryableError` where no
    server answers.
    """
    try:
        with get_engine(database_url).begin() as connection:
            require_supported(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            if _current(connection) != head():
                command.upgrade(_config(connection), "head")
    except UNAVAILABLE as error:
        raise database_unavailable(error) from error
    return head()


def check_database(database_url: str) -> None:
    """Raise a typed error unless the database answers, is new enough and has the schema of this code."""
    try:
        with get_engine(database_url).connect() as connection:
            require_supported(connection)
            require_current(connection)
    except UNAVAILABLE as error:
        raise database_unavailable(error) from error


def require_current(connection: Connection) -> None:
    """Raise `ConfigurationError` unless the schema is the one this code was written for."""
    current = _current(connection)
    if current != head():
        raise ConfigurationError(
            "schema-outdated",
            f"The database schema is at revision {current or 'none'}, this code needs {head()}. "
            "Run `musicspace db upgrade`.",
        )


def require_supported(connection: Connection) -> None:
    """Raise `ConfigurationError` for a server older than Postgres 15."""
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    if version < MIN_POSTGRES:
        raise ConfigurationError(
            "server-unsupported", f"Postgres {version // 10_000} is too old. MusicSpace needs Postgres 15 or newer."
        )


def head() -> str:
    """The newest revision in the code."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
