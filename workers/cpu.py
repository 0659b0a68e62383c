"""The CPU worker (prefork): `python -m celery -A workers.cpu worker -Q enrich`, or another queue."""

import os

from celery import Celery

from core.settings import get_settings
from tasks.app import app
from tasks.enrich import load_serving_predictor
from tasks.queues import Queue
from workers import startup

__all__ = ["app"]

_NICENESS = 10


def prepare(app: Celery) -> None:
    """What depends on the queues that the worker consumes; before the pool forks, so that all processes have it."""
    queues = {Queue(name) for name in app.amqp.queues.consume_from}
    if Queue.ENRICH in queues:
        # The processes share the predictor, and a missing model stops the worker.
        load_serving_predictor(get_settings())
    if queues == {Queue.PERSONAL}:
        # Models of users are never urgent: on a machine that does both, imports get the processor first.
        os.nice(_NICENESS)


startup.connect(prepare)
