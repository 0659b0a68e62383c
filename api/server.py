"""The API as a process: `python -m api.server`.

Exit codes as for the command line: 3 wrong configuration (an outdated schema, a missing key, a taken port), 4 the
database does not answer.
"""

import os
import socket
import sys
import threading
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from core.errors import ConfigurationError, MusicSpaceError, RetryableError
from core.settings import Settings, get_settings
from core.telemetry import configure_logging, get_logger
from db.engine import open_session
from db.migrate import require_current, require_supported

log = get_logger(__name__)

EXIT_CONFIGURATION, EXIT_UNAVAILABLE = 3, 4
# Requests under way get this long when the server stops; event streams end at once.
GRACE_S = 10


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    # Requests run on many threads already; those of BLAS would be in their way. It reads this when NumPy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = get_settings()
        app = create_app(settings)
        check_database(settings)
        listener = listen(settings.api.host, settings.api.port)
    except MusicSpaceError as error:
        sys.stderr.write(f"API not started [{error.code}]: {error.message}\n")
        sys.exit(EXIT_UNAVAILABLE if isinstance(error, RetryableError) else EXIT_CONFIGURATION)
    configure_logging(settings)
    threading.Thread(target=warm_up, args=(settings,), name="warm-up", daemon=True).start()
    serve(app, listener)


def check_database(settings: Settings) -> None:
    """Raise a typed error unless the database answers, is new enough and has the schema of this code."""
    with open_session(settings.required_database_url) as session:
        require_supported(session.connection())
        require_current(session.connection())


def warm_up(settings: Settings) -> None:
    """Read what recommendations need while the server answers already; without it the first who asks waits longer."""
    from services.personal import recommending

    try:
        recommending.warm_up(settings)
    except MusicSpaceError as error:
        log.warning("warm_up_failed", code=error.code, reason=error.message)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `ConfigurationError` (`address-in-use`) where the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ConfigurationError(
            "address-in-use",
            f"Cannot listen on {host} port {port}: {error.strerror}. MUSICSPACE_API__PORT chooses another port.",
        ) from error
    # asyncio does this for sockets it makes itself. Without it the body of an answer waits 40 ms, until the client has
    # confirmed the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve on the socket until a signal; stopping on purpose is a success."""
    host, port = listener.getsockname()[:2]
    log.info("api_listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
    with suppress(KeyboardInterrupt):
        server_of(app).run(sockets=[listener])


def server_of(app: FastAPI) -> "Server":
    """The uvicorn server of the application; it logs through us alone."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config, app.state.stopping)


class Server(uvicorn.Server):
    """Tells the application when it begins to stop: uvicorn waits for open streams, which would never end."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then wait for everything else."""
        self._stopping.set()
        await super().shutdown(sockets)


if __name__ == "__main__":
    main()
