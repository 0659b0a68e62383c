"""The Celery settings without which the ledger's promises do not hold."""

from typing import Any

from celery import Celery

from core.errors import ConfigurationError

# Variables of a worker's process. With this one SIGTERM means a soft shutdown: running tasks get
# `soft_shutdown_seconds`, then the worker ends, and their items come back when their leases run out.
WORKER_ENVIRONMENT = {"REMAP_SIGTERM": "SIGQUIT"}

REQUIRED: dict[str, Any] = {
    "task_acks_late": True,  # a message outlives the worker that took it
    "task_reject_on_worker_lost": True,  # and comes back when a pool process dies
    "worker_prefetch_multiplier": 1,  # a worker holds no message it does not work on
    "task_ignore_result": True,  # Postgres holds the outcome
    "result_backend": None,
    "task_serializer": "json",  # nothing is unpickled
    "accept_content": ["json"],
    "task_create_missing_queues": False,  # a misspelled queue fails loudly
}


def check_settings(app: Celery) -> None:
    """Raise `ConfigurationError` naming each setting that differs from what the ledger relies on."""
    problems = [
        f"{name} is {app.conf.get(name)!r}, must be {wanted!r}"
        for name, wanted in REQUIRED.items()
        if app.conf.get(name) != wanted
    ]
    problems += _time_problems(app)
    if problems:
        raise ConfigurationError("unsafe-celery-settings", "; ".join(problems) + ". Remove the override.")


def _time_problems(app: Celery) -> list[str]:
    visibility_s = app.conf.broker_transport_options.get("visibility_timeout", 3600)
    # A task may have a limit of its own; one without takes that of the application.
    limits = {"task_time_limit": app.conf.task_time_limit}
    limits |= {f"time_limit of {name}": task.time_limit for name, task in app.tasks.items()}
    problems = [
        f"visibility_timeout ({visibility_s} s) must exceed {name} ({limit})"
        for name, limit in limits.items()
        if not limit or visibility_s <= limit
    ]
    if not app.conf.worker_soft_shutdown_timeout:
        problems.append("worker_soft_shutdown_timeout must be above 0")
    return problems
