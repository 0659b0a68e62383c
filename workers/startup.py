"""What every worker does at its start and end: logging, safety checks, heartbeat."""

import atexit
import sys
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutting_down

from core.errors import MusicSpaceError
from core.settings import get_settings
from core.telemetry import configure_logging
from db.migrate import check_database
from tasks.safety import check_settings
from workers.health import Health

EXIT_CONFIGURATION = 3

_health: list[Health] = []
_preparations: list[Callable[[Celery], None]] = []


def connect(prepare: Callable[[Celery], None] | None = None) -> None:
    """Attach the handlers to Celery's signals; `prepare` loads what this worker type needs, or raises a typed error."""
    if prepare is not None:
        _preparations.append(prepare)
    setup_logging.connect(_configure_logging, weak=False)
    worker_init.connect(_check_or_exit, weak=False)
    worker_ready.connect(_start_health, weak=False)
    worker_shutting_down.connect(_leave, weak=False)


def _configure_logging(**_: Any) -> None:
    configure_logging(get_settings())


def _check_or_exit(sender: Any, **_: Any) -> None:
    """Celery logs and forgets exceptions of signal handlers; only `SystemExit` stops the worker."""
    app: Celery = sender.app
    try:
        check_settings(app)
        check_database(get_settings().required_database_url)
        for prepare in _preparations:
            prepare(app)
    except MusicSpaceError as error:
        sys.stderr.write(f"Worker not started [{error.code}]: {error.message}\n")
        sys.exit(EXIT_CONFIGURATION)


def _start_health(sender: Any, **_: Any) -> None:
    worker = sender.controller if hasattr(sender, "controller") else sender
    _health.append(Health(worker, get_settings()))
    _health[-1].start()
    atexit.register(_health[-1].join)


def _leave(**_: Any) -> None:
    """Celery sends `worker_shutdown` after a warm shutdown only; this signal comes before every kind."""
    for health in _health:
        health.leave()
