"""What MLflow gets to see of a training."""

from integrations.mlflow_tracking import TrackedRun, log_run
from models.evaluation import Score
from services.promotion_gate import gate_error
from services.version_training import TrainedVersion


def track(trained: TrainedVersion, uri: str | None) -> None:
    """Log a training that is recorded by now; nothing happens where no tracking server is configured."""
    if uri is not None:
        log_run(uri, tracked_run(trained))


def tracked_run(trained: TrainedVersion) -> TrackedRun:
    """Parameters from the model card, metrics of every holdout, and what became of the version."""
    data = {f"data.{name}": str(trained.card.data[name]) for name in ("file", "sha256") if name in trained.card.data}
    metrics = {f"{_name(score)}.mne_eight": score.mne_eight for score in trained.evaluation.scores}
    metrics |= {f"{_name(score)}.coverage": score.mean_coverage for score in trained.evaluation.scores}
    error = gate_error(trained.evaluation)
    return TrackedRun(
        title=f"{trained.name} {trained.version}",
        parameters={name: str(value) for name, value in trained.card.parameters.items()} | data,
        metrics=metrics | ({} if error is None else {"error": error}),
        tags={
            "predictor": trained.name,
            "version": trained.version,
            "state": trained.state or "shipped",
            "reason": trained.reason,
            "baseline": trained.baseline or "",
        },
    )


def _name(score: Score) -> str:
    which = "all" if score.min_popularity is None else f"popularity_{score.min_popularity}"
    return f"{score.fold}.{which}"
