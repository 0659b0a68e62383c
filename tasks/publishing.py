"""Send messages that say "there is work": after the commit, never instead of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from kombu.exceptions import LimitExceeded
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from core.errors import RetryableError
from core.settings import LedgerSettings, Settings
from core.telemetry import get_logger
from core.work import WorkKind
from db.engine import open_session
from db.repositories import dispatch as dispatch_rows
from db.repositories.dispatch import Due
from tasks.app import app
from tasks.queues import WORK_TASKS, Queue, work_kinds

log = get_logger(__name__)

# What kombu, redis-py and the operating system raise while a broker is away, or all connections to it are taken.
BROKER_ERRORS = (BrokerError, LimitExceeded, RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many messages a run of the dispatcher sent for the first time, and how many again."""

    sent: int = 0
    resent: int = 0


def dispatch(settings: Settings, queues: Iterable[Queue] = Queue) -> Dispatched:
    """Send a message for every item of the queues that needs one, up to the window of each queue.

    Raises
    ------
    RetryableError
        `broker-unavailable`: the items stay due and the next run sends them.
    """
    total = Dispatched()
    for queue in queues:
        if kinds := work_kinds(queue):
            ran = _dispatch_queue(settings, queue, kinds)
            total = Dispatched(total.sent + ran.sent, total.resent + ran.resent)
    return total


def ring(settings: Settings, queues: Iterable[Queue] = Queue) -> None:
    """Dispatch queues right after a commit. A broker that is away loses nothing: the dispatcher comes back to it."""
    try:
        dispatch(settings, queues)
    except RetryableError as error:
        log.warning("dispatch_postponed", code=error.code, reason=error.message)


def queue_depth(queue: Queue) -> int:
    """Messages waiting in a queue of the broker. Raises `RetryableError` where the broker does not answer."""
    try:
        with app.pool.acquire(block=True, timeout=5) as connection:
            # Not passive: Redis knows no empty queue, and kombu would call that an error.
            return int(connection.default_channel.queue_declare(str(queue)).message_count)
    except BROKER_ERRORS as error:
        raise _broker_unavailable(error) from error


def _dispatch_queue(settings: Settings, queue: Queue, kinds: list[WorkKind]) -> Dispatched:
    depth = queue_depth(queue)
    with open_session(settings.required_database_url) as session:
        outstanding = dispatch_rows.count_outstanding(session, kinds)
        fresh = dispatch_rows.take_due(session, kinds, max(settings.ledger.window - outstanding, 0))
        again = _take_missing(session, kinds, outstanding - depth, settings.ledger)
        session.commit()
        _send_or_forget(session, [*fresh, *again])
    return Dispatched(len(fresh), len(again))


def _take_missing(session: Session, kinds: list[WorkKind], missing: int, ledger: LedgerSettings) -> list[Due]:
    """The items whose message the queue does not hold any more, although nobody claimed them."""
    if missing <= 0:
        return []
    return dispatch_rows.take_overdue(session, kinds, ledger.redispatch_seconds, missing)


def _send_or_forget(session: Session, items: list[Due]) -> None:
    try:
        send(items)
    except BROKER_ERRORS as error:
        # Some may have left; a second message for those is refused at the claim.
        dispatch_rows.forget_dispatch(session, [item.item_id for item in items])
        session.commit()
        raise _broker_unavailable(error) from error


def send(items: Iterable[Due]) -> None:
    """Send one message an item. It carries the item's id and nothing else."""
    with app.producer_pool.acquire(block=True, timeout=5) as producer:
        for item in items:
            task = WORK_TASKS[WorkKind(item.kind)]
            app.send_task(str(task), args=[item.item_id], producer=producer, retry=False, ignore_result=True)


def _broker_unavailable(error: Exception) -> RetryableError:
    return RetryableError("broker-unavailable", f"The broker does not answer ({type(error).__name__}: {error}).")
