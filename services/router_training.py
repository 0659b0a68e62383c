"""Train the router into a folder."""

from pathlib import Path

from models.artifacts import Card
from models.predictors.protocol import OnProgress
from models.registry import train_extra
from models.training_data import read_reference_table


def train_router_into(data: Path, out: Path, answers: Path | None, on_progress: OnProgress) -> Card:
    """Train the router from simulated look-ups, or from a recording or table of answers, and publish it below `out`.

    Raises
    ------
    PermanentError
        `file-not-found` or `invalid-option`: a file cannot be used, or holds too few tracks.
    ConfigurationError
        `extra-missing`: a library that only training needs is not installed.
    """
    table = read_reference_table(data)
    with train_extra("the router"):
        from threadpoolctl import threadpool_limits

        from models.routing.training import publish_router, train_router
        from services.routing_evaluation.estimate_tables import read_estimates

        # One thread, so that the same files give the same router on any machine.
        known = None if answers is None else read_estimates(answers, table.tracks.track_id)[0]
        with threadpool_limits(1):
            return publish_router(out, train_router(table, on_progress, answers=known))
