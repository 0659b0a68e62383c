"""Real Postgres and Valkey from PyPI wheels, in one data directory, over Unix sockets only.

`embedded_servers(settings)` is the way in. Several processes may share a data directory: the first one starts the
servers, the last one out stops them, and a crash of any of them loses nothing.
"""

from integrations.embedded.servers import EmbeddedServers, ServerStatus, ServerUrls, embedded_servers

__all__ = ["EmbeddedServers", "ServerStatus", "ServerUrls", "embedded_servers"]
