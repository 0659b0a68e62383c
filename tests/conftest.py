"""Fixtures for every suite: shared data, real servers, a fresh database per test."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import hypothesis
import psycopg
import pytest
import redis
from sqlalchemy.orm import Session

from core.settings import EnrichSettings, LedgerSettings, Settings, get_settings, use_settings
from db.engine import get_engine, open_session
from db.migrate import upgrade
from integrations.embedded import ServerUrls, embedded_servers

REPOSITORY = Path(__file__).resolve().parent.parent
# External servers may hold other data: tests keep to this Redis database and to Postgres databases of their own.
REDIS_DATABASE = 9

# No test may spend somebody's money: keys of this shell are forgotten, here and in every process that a test starts.
for _name in ("GOOGLE_API_KEY", "MUSICSPACE_GEMINI__API_KEY", "MUSICSPACE_RECCOBEATS__ENABLED"):
    os.environ.pop(_name, None)

# A run proves something about the code, not about its luck: `--hypothesis-profile=default` looks for new examples.
hypothesis.settings.register_profile("same-every-time", derandomize=True)
hypothesis.settings.load_profile("same-every-time")

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the reference data sets; MUSICSPACE_SHARED_DATA_DIR names another one."""
    folder = get_settings().shared_data_dir or REPOSITORY.parent / "shared" / "data"
    if not (folder / "tracks.parquet").is_file():
        pytest.skip(f"reference data not found in {folder}; set MUSICSPACE_SHARED_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def servers() -> Iterator[ServerUrls]:
    """Real Postgres and Redis or Valkey: those of the two URL settings, else embedded ones in a temporary folder."""
    settings = get_settings()
    if not settings.embedded:
        urls = ServerUrls(settings.required_database_url, _with_redis_database(settings.required_redis_url))
        _tell_celery(urls)
        yield urls
        return
    folder = Path(tempfile.mkdtemp(prefix="musicspace-test-"))
    # As root the servers run as another user, who has to reach the folder.
    folder.chmod(0o755)
    try:
        with embedded_servers(settings.model_copy(update={"data_dir": folder})) as urls:
            _tell_celery(urls)
            yield urls
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template_database(servers: ServerUrls) -> Iterator[str]:
    """A migrated database that tests clone."""
    with _temporary_database(servers.database_url) as url:
        upgrade(url)
        get_engine(url).dispose()
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def database_url(servers: ServerUrls, template_database: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    with _temporary_database(servers.database_url, template_database) as url:
        yield url
        get_engine(url).dispose()


@pytest.fixture
def empty_database_url(servers: ServerUrls) -> Iterator[str]:
    """A database without a schema."""
    with _temporary_database(servers.database_url) as url:
        yield url
        get_engine(url).dispose()


@pytest.fixture
def redis_url(servers: ServerUrls) -> Iterator[str]:
    """An empty Redis database."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushdb()
        yield servers.redis_url
        client.flushdb()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Iterator[Settings]:
    """Settings of this process, with the ledger's waits shortened."""
    before = get_settings()
    chosen = before.model_copy(
        update={
            "database_url": database_url,
            "redis_url": redis_url,
            "ledger": LedgerSettings(
                lease_seconds=2, backoff_base_seconds=0.01, redispatch_seconds=0.5, outage_patience_seconds=5
            ),
            "enrich": EnrichSettings(chunk_size=10),
        }
    )
    use_settings(chosen)
    yield chosen
    use_settings(before)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session on the test's database; the test commits."""
    with open_session(database_url) as opened:
        yield opened


def _tell_celery(urls: ServerUrls) -> None:
    """The Celery application reads the broker's URL once a process, on first use, whichever test that is."""
    use_settings(get_settings().model_copy(update={"redis_url": urls.redis_url}))


@contextmanager
def _temporary_database(server_url: str, template: str = "template0") -> Iterator[str]:
    name = f"musicspace_test_{os.getpid()}_{uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _with_redis_database(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return urlunsplit(parts._replace(query=f"db={REDIS_DATABASE}"))
    return urlunsplit(parts._replace(path=f"/{REDIS_DATABASE}"))
