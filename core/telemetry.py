"""Logging: static event names with keyword fields, readable for people or JSON for machines."""

import logging
import sys
from typing import Any

import structlog

from core.settings import Settings

# Chatty libraries whose INFO lines drown the system's own: what a worker did stands in `work_done`.
_QUIET = (
    *("alembic", "httpx", "httpcore", "kombu", "amqp", "urllib3"),
    *("google_genai", "httpx2", "httpcore2"),
    *("celery.beat", "celery.app.trace", "celery.worker.strategy", "celery.worker.consumer.mingle"),
)


def configure_logging(settings: Settings) -> None:
    """Send structlog events and the standard library's records through one formatter to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if settings.log_json else "%H:%M:%S", utc=settings.log_json),
    ]
    renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    if settings.log_json:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger named after its module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
