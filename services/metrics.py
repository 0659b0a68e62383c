"""Read the metrics that are in the database."""

import threading
import time
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from core import metrics
from core.errors import RetryableError
from core.metrics import DatabaseMetric, Sample, Samples
from core.settings import Settings
from core.telemetry import get_logger
from core.user_models import UserModelState
from db.engine import open_session
from db.repositories.ledger_counts import live_items, trainings_by_end
from db.repositories.model_usage import removed_by_kind
from services.personal.usage import KindUsage, usage_by_kind

log = get_logger(__name__)

# Several scrapers ask at almost the same time; none needs newer values than that.
MAX_AGE_S = 10.0


class MetricsReader:
    """Reads the metrics of the database, at most every ten seconds. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._samples: Samples = {}

    def read(self, settings: Settings) -> Samples:
        """The samples by now; a database that does not answer is told by `musicspace_database_up` alone."""
        with self._lock:
            if time.monotonic() - self._read_at > MAX_AGE_S:
                self._samples = _read(settings)
                self._read_at = time.monotonic()
            return self._samples


def _read(settings: Settings) -> Samples:
    try:
        with open_session(settings.required_database_url) as session:
            return {**read_samples(session), metrics.DATABASE_UP: [Sample((), 1)]}
    except RetryableError as error:
        log.warning("metrics_not_read", code=error.code, reason=error.message)
        return {metrics.DATABASE_UP: [Sample((), 0)]}


def read_samples(session: Session) -> dict[DatabaseMetric, list[Sample]]:
    """Count models, trainings and live work."""
    kinds = usage_by_kind(session)
    now = datetime.now(UTC)
    return {
        metrics.MODELS: [sample for kind in kinds for sample in _by_state(kind)],
        metrics.MODEL_BYTES: [Sample((kind.kind,), kind.size_bytes) for kind in kinds],
        metrics.UNUSED_SECONDS: [
            Sample((kind.kind,), max((now - kind.oldest_used_at).total_seconds(), 0.0))
            for kind in kinds
            if kind.oldest_used_at is not None
        ],
        metrics.REMOVED: [Sample((kind,), models) for kind, models in removed_by_kind(session).items()],
        metrics.TRAININGS: [Sample((ended.kind, ended.state), ended.items) for ended in trainings_by_end(session)],
        metrics.WORK_ITEMS: [Sample((live.kind, live.state), live.items) for live in live_items(session)],
    }


def _by_state(kind: KindUsage) -> list[Sample]:
    counts = {
        UserModelState.SERVING: kind.serving,
        UserModelState.PREVIOUS: kind.previous,
        UserModelState.DELETING: kind.deleting,
    }
    return [Sample((kind.kind, state), models) for state, models in counts.items()]
