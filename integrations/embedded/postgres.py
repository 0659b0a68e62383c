"""The embedded Postgres: its settings, and how it is recognized and asked."""

import contextlib
import signal

import psutil
from psycopg.pq import PGconn, Ping

from integrations.embedded.account import Account
from integrations.embedded.binaries import Binaries
from integrations.embedded.cluster import ensure_cluster
from integrations.embedded.layout import Layout
from integrations.embedded.server import EmbeddedServer
from integrations.embedded.supervision import command_line

# For a small machine that must not lose a commit: fsync and synchronous_commit stay on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # Parallel queries need shared memory that containers are short of, and gain little on two cores.
    "max_parallel_workers_per_gather": "0",
    # There is no standby: less to write, and bulk loads into new tables skip the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
ORPHAN_PATIENCE_S = 5.0


class EmbeddedPostgres(EmbeddedServer):
    """The Postgres of a data directory."""

    name = "postgres"
    start_timeout_s = 120.0  # Crash recovery replays up to max_wal_size.
    # Fast shutdown; then without the final checkpoint, which the next start makes up for; then by force.
    stop_steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

    def __init__(self, layout: Layout) -> None:
        super().__init__(
            url=f"postgresql://postgres@/postgres?host={layout.sockets}",
            socket=layout.sockets / ".s.PGSQL.5432",
            log=layout.log / "postgres.log",
            pid_file=layout.postgres / "postmaster.pid",
        )
        self._cluster = layout.postgres
        self._cluster_name = f"musicspace-{layout.identity}"

    def _recognizes(self, arguments: list[str]) -> bool:
        return arguments[1:3] == ["-D", str(self._cluster)]

    def _answers(self) -> bool:
        """As pg_isready does: one that is out of connections still answers."""
        return self._says_ready() and PGconn.ping(f"{self.url}&connect_timeout=5".encode()) == Ping.OK

    def _says_ready(self) -> bool:
        """What the postmaster writes into its pid file; connecting any earlier would fill its log with refusals."""
        try:
            return self._pid_file.read_text().rstrip().endswith("\nready")
        except FileNotFoundError:
            return False

    def _prepare(self, account: Account, binaries: Binaries) -> None:
        ensure_cluster(self._cluster, account, binaries, self.log)
        if self._pid_file.exists():
            self._clear_leftovers()

    def _clear_leftovers(self) -> None:
        """Make way after a postmaster was killed, or the machine went down.

        Postgres itself ignores a stale pid file, except when its number now belongs to another process of the
        account. Children of a killed postmaster end by themselves; one that hangs would block the new one.
        """
        title = f"postgres: {self._cluster_name}: "
        orphans = [child for child in psutil.process_iter() if " ".join(command_line(child.pid)).startswith(title)]
        _, hanging = psutil.wait_procs(orphans, timeout=ORPHAN_PATIENCE_S)
        for child in hanging:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(hanging, timeout=ORPHAN_PATIENCE_S)
        self._pid_file.unlink(missing_ok=True)

    def _command(self, binaries: Binaries) -> list[str]:
        # The cluster's name is part of the process title of every child of the postmaster.
        own = {"unix_socket_directories": str(self.socket.parent), "cluster_name": self._cluster_name}
        options = [f"--{name}={value}" for name, value in (SETTINGS | own).items()]
        return [str(binaries.postgres), "-D", str(self._cluster), *options]
