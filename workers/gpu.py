"""The GPU worker (solo): `python -m celery -A workers.gpu worker -Q embed --pool=solo`. It listens to audio.

One process holds the device, and works in its main thread; processes of its own decode ahead of it.
"""

import atexit
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down
from celery.worker import state

from core.settings import get_settings
from core.telemetry import get_logger
from tasks.analyze import close_analyzer, open_analyzer
from tasks.app import app
from tasks.queues import Queue
from tasks.stopping import ask_to_stop
from workers import startup

__all__ = ["app"]

log = get_logger(__name__)


def open_embedder_once(app: Celery) -> None:
    """Load the embedder and start the decoding processes; an embedder that cannot be loaded stops the worker."""
    if Queue.EMBED not in app.amqp.queues.consume_from:
        return
    settings = get_settings()
    embedder = open_analyzer(settings).embedder
    atexit.register(close_analyzer)
    device = str(getattr(embedder, "device", "cpu"))
    log.info("embedder_ready", space=embedder.space, device=device, dimensions=embedder.dimensions)
    if not settings.audio.roots and not settings.audio.urls_enabled:
        log.warning("no_audio_to_read", hint="set MUSICSPACE_AUDIO__ROOTS")


def stop_gently(sender: Any, **_: Any) -> None:
    """Have SIGTERM end the worker after its item, whatever it is mapped to.

    Celery's soft shutdown waits in a signal handler. In the solo pool that handler interrupts the very task that it
    waits for; so the task is asked to come to an end instead, and Celery to stop after it.
    """
    worker = sender.controller if hasattr(sender, "controller") else sender

    def stop(*_: Any) -> None:
        worker_shutting_down.send(sender=worker.hostname, sig="SIGTERM", how="Warm", exitcode=0)
        state.should_stop = 0

    if worker.pool_cls.__module__ == "celery.concurrency.solo":
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGQUIT, stop)


startup.connect(open_embedder_once)
worker_ready.connect(stop_gently, weak=False)
worker_shutting_down.connect(ask_to_stop, weak=False)
