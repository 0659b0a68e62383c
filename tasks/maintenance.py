"""Tasks: recover lost work and dispatch what is due; clean up."""

import os

from core.errors import RetryableError
from core.settings import get_settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories import heartbeats
from db.repositories.dispatch import quarantine_lost, requeue_lost
from db.repositories.lookup_cache import forget_expired
from tasks.app import app
from tasks.publishing import dispatch
from tasks.queues import TaskName

log = get_logger(__name__)

_BATCH = 1000


@app.task(name=str(TaskName.DISPATCH))
def dispatch_due() -> None:
    """One run of the dispatcher; a server that is away is left to the next run, seconds later."""
    try:
        recover_lost()
        sent = dispatch(get_settings())
    except RetryableError as error:
        log.warning("dispatch_postponed", code=error.code, reason=error.message)
        return
    if sent.sent or sent.resent:
        log.info("dispatched", sent=sent.sent, resent=sent.resent)


@app.task(name=str(TaskName.CLEAN_UP))
def clean_up() -> None:
    """Delete what nobody reads any more; what is left when it is interrupted goes the next time."""
    try:
        with open_session(get_settings().required_database_url) as session:
            forgotten = forget_expired(session, _BATCH)
            session.commit()
    except RetryableError as error:
        log.warning("clean_up_postponed", code=error.code, reason=error.message)
        return
    if forgotten:
        log.info("answers_forgotten", rows=forgotten)


def recover_lost() -> None:
    """Queue the items of dead workers again, and quarantine those that keep killing theirs."""
    settings = get_settings()
    with open_session(settings.required_database_url) as session:
        heartbeats.beat(session, heartbeats.DISPATCHER, [], os.getpid())
        requeued = requeue_lost(session, settings.ledger.max_losses, _BATCH)
        session.commit()
        quarantined = quarantine_lost(session, settings.ledger.max_losses, _BATCH)
        session.commit()
    if requeued or quarantined:
        log.warning("lost_work_recovered", requeued=requeued, quarantined=quarantined)
