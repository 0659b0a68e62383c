"""Every metric of MusicSpace, in the text format of Prometheus; docs/RECOMMENDERS.md lists them.

Some are counted in this process. The others are read from the database when somebody looks, so that they are the same
whichever process answers, and are right after a restart. No label names a user.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class DatabaseMetric:
    """A metric that is read from the database; a counter never falls."""

    name: str
    help: str
    labels: tuple[str, ...]
    is_counter: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A value, with the values of the labels in their order."""

    labels: tuple[str, ...]
    value: float


Samples = Mapping[DatabaseMetric, Sequence[Sample]]

MODELS = DatabaseMetric("musicspace_user_models", "Versions of users' models.", ("kind", "state"))
MODEL_BYTES = DatabaseMetric("musicspace_user_models_bytes", "Bytes of users' models.", ("kind",))
UNUSED_SECONDS = DatabaseMetric(
    "musicspace_user_models_oldest_unused_seconds", "Age of the last use of the model unused for longest.", ("kind",)
)
REMOVED = DatabaseMetric(
    "musicspace_user_models_removed_total", "Models that the clean-up removed.", ("kind",), is_counter=True
)
TRAININGS = DatabaseMetric(
    "musicspace_trainings_total", "Trainings of models, by how they ended.", ("kind", "outcome"), is_counter=True
)
WORK_ITEMS = DatabaseMetric(
    "musicspace_work_items", "Work items that are due or in the hands of a worker.", ("kind", "state")
)
DATABASE_UP = DatabaseMetric("musicspace_database_up", "1 where the database answered, else 0.", ())

DATABASE_METRICS = (MODELS, MODEL_BYTES, UNUSED_SECONDS, REMOVED, TRAININGS, WORK_ITEMS, DATABASE_UP)

RECOMMENDATION_SECONDS = Histogram(
    "musicspace_recommendation_seconds",
    "How long this process took to answer a request for recommendations, by model (`merged`: all of them) and outcome.",
    ("model", "outcome"),
    buckets=(0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
PROCESS_METRICS = ("musicspace_recommendation_seconds",)


@contextmanager
def observe_recommendation(model: str) -> Iterator[None]:
    """Measure the answer to one request: `model` is m1, m2, m3, or merged. An error counts as `outcome="error"`."""
    started, outcome = perf_counter(), "error"
    try:
        yield
        outcome = "ok"
    finally:
        RECOMMENDATION_SECONDS.labels(model, outcome).observe(perf_counter() - started)


def exposition(samples: Samples) -> bytes:
    """What Prometheus scrapes: the metrics of this process, and these of the database."""
    registry = CollectorRegistry()
    registry.register(_Read(samples))
    return bytes(generate_latest(REGISTRY) + generate_latest(registry))


class _Read(Collector):
    """Hands samples that were read to the library."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        """A family for each metric that was read."""
        for metric, samples in self._samples.items():
            family = (CounterMetricFamily if metric.is_counter else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for sample in samples:
                family.add_metric(sample.labels, sample.value)
            yield family
