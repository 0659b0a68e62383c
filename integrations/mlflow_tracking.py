"""Log a training to an MLflow tracking server. Losing the log never loses the training."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from core.telemetry import get_logger

log = get_logger(__name__)

EXPERIMENT = "musicspace"

# MLflow takes these from the environment alone; by itself it would try for many minutes.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
# What its interface accepts.
_LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """One training, as MLflow shows it. Names hold letters, digits, spaces and any of `_-./:`."""

    title: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def log_run(uri: str, run: TrackedRun) -> bool:
    """Log a run to the experiment `musicspace` of the server at `uri`; returns whether that worked.

    A server that is away, or an MLflow that is not installed, is a warning in the log.
    """
    try:
        _log(uri, run)
    except ModuleNotFoundError as error:
        log.warning("mlflow_not_installed", missing=error.name, hint="pip install 'musicspace[train]'")
        return False
    except _failures() as error:
        log.warning("run_not_tracked", title=run.title, reason=f"{type(error).__name__}: {error}")
        return False
    log.info("run_tracked", title=run.title)
    return True


def _log(uri: str, run: TrackedRun) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    for variable, value in _PATIENCE.items():
        os.environ.setdefault(variable, value)
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = client.create_experiment(EXPERIMENT) if experiment is None else experiment.experiment_id
    run_id = client.create_run(experiment_id, run_name=run.title).info.run_id
    now_ms = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now_ms, 0) for name, value in run.metrics.items()],
        params=[Param(name, value[:_LONGEST_VALUE]) for name, value in run.parameters.items()],
        tags=[RunTag(name, value) for name, value in run.tags.items()],
    )
    client.set_terminated(run_id)


def _failures() -> tuple[type[Exception], ...]:
    from mlflow.exceptions import MlflowException

    # The errors of its HTTP library are OSErrors.
    return (MlflowException, OSError)
