"""Tasks: recover lost work and dispatch what is due; renew models of users; clean up."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core.errors import MusicSpaceError, RetryableError
from core.settings import Settings, get_settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories import heartbeats
from db.repositories.dispatch import quarantine_lost, requeue_lost
from db.repositories.lookup_cache import forget_expired
from tasks.app import app
from tasks.publishing import dispatch, ring
from tasks.queues import TaskName

if TYPE_CHECKING:
    from services.personal.cleanup_report import CleanUpReport

log = get_logger(__name__)

_BATCH = 1000
_SLICE_S = 30.0


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


@app.task(name=str(TaskName.RENEW_MODELS))
def renew_models() -> None:
    """Start the trainings of users whose models are outdated; who is not reached in this run is in the next."""
    from services.personal.outdated import start_due

    _start("models_renewed", start_due)


@app.task(name=str(TaskName.RENEW_COMMUNITY))
def renew_community() -> None:
    """Start the training of what users have in common, if their behavior has changed."""
    from services.personal.outdated import start_outdated_community

    _start("community_renewed", start_outdated_community)


def _start(event: str, start: Callable[[Session, Settings], list[int]]) -> None:
    settings = get_settings()
    try:
        with open_session(settings.required_database_url) as session:
            jobs = start(session, settings)
            session.commit()
    except MusicSpaceError as error:
        log.warning("renewal_postponed", code=error.code, reason=error.message)
        return
    if jobs:
        ring(settings)
        log.info(event, jobs=len(jobs))


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


@app.task(name=str(TaskName.CLEAN_UP_MODELS))
def clean_up_models() -> None:
    """Remove models of users that nobody used for long, as `musicspace models cleanup` does.

    A long run goes on in another message, so that what waits in the queue, such as dispatching, gets its turn.
    """
    from services.personal.cleanup_report import CleanUpReport

    settings = get_settings()
    report = CleanUpReport(dry_run=False, unused_days=settings.personal.unused_days)
    try:
        finished = _clean_up_models(settings, report)
    except MusicSpaceError as error:
        log.warning("model_clean_up_postponed", code=error.code, reason=error.message, **report.counts())
        return
    log.info("models_cleaned_up", finished=finished, freed_bytes=report.freed_bytes, **report.counts())
    if not finished:
        clean_up_models.delay()


def _clean_up_models(settings: Settings, report: "CleanUpReport") -> bool:
    """Clean up for a while; says whether that was all."""
    from services.personal.cleanup import CleanUp, Found, clean_up
    from services.personal.life import storage_of
    from services.personal.usage import snapshot_day

    plan = CleanUp(storage_of(settings), report.unused_days)
    finished, removed, until = True, False, float("inf")
    with open_session(settings.required_database_url) as session:
        for finding in clean_up(session, plan):
            session.commit()
            report.add(finding)
            # Counted from the end of the listing, which is the same work for every message.
            until = min(until, time.monotonic() + _SLICE_S)
            removed = removed or (finding is not None and finding.what is not Found.STRANGER)
            # Between two batches, all of which are told by then, and only after a removal: every message gets on.
            if finding is None and removed and time.monotonic() > until:
                finished = False
                break
        snapshot_day(session, report.removed_by_kind())
        session.commit()
    return finished


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
