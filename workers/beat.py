"""The scheduler: `python -m celery -A workers.beat beat`. Two at once do no harm: dispatching twice is safe."""

from tasks.app import app
from workers import startup

__all__ = ["app"]

startup.connect()
