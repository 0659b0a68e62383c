"""The embedded Valkey: its settings, and how it is recognized and asked."""

import signal

import redis

from integrations.embedded.account import Account
from integrations.embedded.binaries import Binaries
from integrations.embedded.layout import Layout
from integrations.embedded.server import EmbeddedServer

# Every write goes to the append-only file, synced each second; no snapshots, no port, nothing is evicted.
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "proc-title-template": "{title} {unixsocket}",
}


class EmbeddedValkey(EmbeddedServer):
    """The Valkey of a data directory."""

    name = "valkey"
    start_timeout_s = 60.0  # It reads the whole append-only file first.
    stop_steps = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))

    def __init__(self, layout: Layout) -> None:
        socket = layout.sockets / "valkey.sock"
        super().__init__(
            url=f"unix://{socket}",
            socket=socket,
            log=layout.log / "valkey.log",
            pid_file=layout.valkey / "valkey.pid",
        )
        self._folder = layout.valkey

    def _recognizes(self, arguments: list[str]) -> bool:
        line = " ".join(arguments)
        return "valkey-server" in line and str(self.socket) in line

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # The former also while it loads its file.
            return False

    def _prepare(self, account: Account, binaries: Binaries) -> None:
        """Nothing to do: it creates its file, and replaces a stale socket and pid file, itself."""

    def _command(self, binaries: Binaries) -> list[str]:
        # The socket comes first: the title refers to it.
        own = {"unixsocket": str(self.socket), "dir": str(self._folder), "pidfile": str(self._pid_file)}
        options = [part for name, value in (own | SETTINGS).items() for part in (f"--{name}", value)]
        return [str(binaries.valkey), *options]
