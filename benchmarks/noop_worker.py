"""A Celery application whose task does nothing: what messages alone cost. `celery -A benchmarks.noop_worker worker`."""

from celery import Celery

from core.settings import get_settings
from tasks.queues import broker_url_of

app = Celery("noop", broker=broker_url_of(get_settings().required_redis_url))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_default_queue="noop",
)


@app.task(name="noop")
def noop(item_id: int) -> None:
    """Nothing."""
