"""Both servers of a data directory, shared by every process that uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from core.settings import Settings
from integrations.embedded.account import server_account
from integrations.embedded.binaries import reachable_binaries
from integrations.embedded.layout import Layout
from integrations.embedded.locks import Attendance, exclusive
from integrations.embedded.postgres import EmbeddedPostgres
from integrations.embedded.server import EmbeddedServer
from integrations.embedded.valkey import EmbeddedValkey

# Longer than the slowest start, so that waiting for somebody else's start does not fail first.
LOCK_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """Where the two servers answer."""

    database_url: str  #: For psycopg, e.g. `postgresql://postgres@/postgres?host=/folder/of/the/socket`.
    redis_url: str  #: For redis-py, e.g. `unix:///path/valkey.sock`.


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of an embedded server without asking it."""

    name: str
    url: str
    socket: Path
    log: Path
    pid: int | None  #: None when it does not run.


class EmbeddedServers:
    """The servers whose URL is unset in the settings. Building one touches nothing."""

    def __init__(self, settings: Settings) -> None:
        self._layout = Layout.of(settings.data_dir)
        postgres, valkey = EmbeddedPostgres(self._layout), EmbeddedValkey(self._layout)
        chosen: list[tuple[EmbeddedServer, str | None]] = [
            (postgres, settings.database_url),
            (valkey, settings.redis_url),
        ]
        self._servers = [server for server, _ in chosen]
        self._needed = [server for server, url in chosen if url is None]
        self._attendance = Attendance(self._layout.run / "users.lock")
        self.urls = ServerUrls(*(url or server.url for server, url in chosen))

    @contextmanager
    def used(self) -> Iterator[ServerUrls]:
        """Run the servers at least for the block: `join`, then `leave`."""
        self.join()
        try:
            yield self.urls
        finally:
            self.leave()

    def join(self) -> list[str]:
        """Count as a user of the servers, and start those that do not run. Returns the names of those.

        Raises
        ------
        ConfigurationError
            A server cannot be started; the message says why and what to do.
        """
        with self._explained():
            self._layout.prepare_locks()
            with self._start_lock():
                self._attendance.join()
                try:
                    return self._start_missing()
                except BaseException:
                    self._leave()
                    raise

    def leave(self) -> None:
        """Stop counting as a user; the last one stops the servers and waits until they are gone."""
        with self._explained(), self._start_lock():
            self._leave()

    def ensure_running(self) -> list[str]:
        """Start again what died. Returns the names of the servers that were started; cheap when there is none."""
        if all(server.running_pid() is not None and server.socket.exists() for server in self._needed):
            return []
        with self._explained(), self._start_lock():
            return self._start_missing()

    def status(self) -> list[ServerStatus]:
        """What runs, without starting or creating anything."""
        with self._explained():
            return [
                ServerStatus(server.name, server.url, server.socket, server.log, server.running_pid())
                for server in self._needed
            ]

    def _start_missing(self) -> list[str]:
        account = server_account(self._layout.postgres)
        self._layout.prepare(account)
        binaries = reachable_binaries(account, self._layout.binaries)
        return [server.name for server in self._needed if server.start(account, binaries)]

    def _leave(self) -> None:
        if self._attendance.is_last():
            for server in self._servers:
                server.stop()
        self._attendance.leave()

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        with exclusive(self._layout.run / "start.lock", LOCK_TIMEOUT_S):
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn a refusal of the operating system (rights, full disk, a program that cannot run) into our error."""
        try:
            yield
        except OSError as error:
            place = error.filename or self._layout.root
            raise ConfigurationError(
                "embedded-failed",
                f"{place}: {error.strerror}. The embedded servers need a folder they can write to; "
                "MUSICSPACE_DATA_DIR chooses another one.",
            ) from error


@contextmanager
def embedded_servers(settings: Settings) -> Iterator[ServerUrls]:
    """URLs of running servers: those of the settings where set, else embedded ones that run at least for the block.

    Processes that use the same data directory share its servers; the last one to leave stops them. A process that
    is killed leaves them running for the next one.

    Raises
    ------
    ConfigurationError
        A server cannot be started; the message says why and what to do.
    """
    servers = EmbeddedServers(settings)
    if not settings.embedded:
        yield servers.urls
        return
    with servers.used() as urls:
        yield urls
