"""Engine and sessions of this process. Nothing connects at import; a forked child gets an engine of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import psycopg
from sqlalchemy import Engine, create_engine, exc
from sqlalchemy.orm import Session

from core.errors import RetryableError

# What a server that is gone or going raises, through SQLAlchemy or, in a COPY, from the driver itself, and a pool with
# no connection left. The same statement may succeed later.
UNAVAILABLE = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


def get_engine(database_url: str) -> Engine:
    """The pooled engine of this process for a `postgresql://` URL."""
    return _engine_of(database_url, os.getpid())


@lru_cache(maxsize=4)
def _engine_of(database_url: str, pid: int) -> Engine:
    return create_engine(
        sqlalchemy_url(database_url),
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=15,
        connect_args={"connect_timeout": 5, "application_name": f"musicspace-{pid}"},
    )


def sqlalchemy_url(database_url: str) -> str:
    """The same URL with the driver this project uses."""
    return "postgresql+psycopg://" + database_url.split("://", 1)[1]


@contextmanager
def open_session(database_url: str) -> Iterator[Session]:
    """A session whose caller commits; anything uncommitted at the end is rolled back.

    Raises
    ------
    RetryableError
        `database-unavailable`: the server cannot be reached or went away.
    """
    try:
        # Inside the `try`: giving a dead connection back fails, too.
        with Session(get_engine(database_url), expire_on_commit=False) as session:
            yield session
    except UNAVAILABLE as error:
        raise database_unavailable(error) from error


def database_unavailable(error: Exception) -> RetryableError:
    """The typed form of an error of `UNAVAILABLE`. The driver's own words may span lines; the first one says it."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines() or ["no reason given"]
    return RetryableError("database-unavailable", f"Postgres does not answer ({reason[0]}).")
