"""The CPU worker (prefork): `python -m celery -A workers.cpu worker -Q enrich`, or `-Q train`, or `-Q maintenance`."""

from celery import Celery

from core.settings import get_settings
from tasks.app import app
from tasks.enrich import load_serving_predictor
from tasks.queues import Queue
from workers import startup

__all__ = ["app"]


def load_predictor_once(app: Celery) -> None:
    """Load the predictor before the pool forks: the processes share it, and a missing model stops the worker."""
    if Queue.ENRICH in app.amqp.queues.consume_from:
        load_serving_predictor(get_settings())


startup.connect(load_predictor_once)
