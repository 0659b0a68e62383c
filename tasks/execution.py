"""Run one work item: claim it, keep its lease, commit its results together with its end, record every failure."""

import os
import socket
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.orm import Session

from core.errors import MusicSpaceError, NotNowError, RetryableError
from core.settings import LedgerSettings, Settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories import work_items
from db.repositories.work_items import Claim, StaleClaimError
from tasks.backoff import full_jitter
from tasks.lease import keep_lease
from tasks.patience import patience

log = get_logger(__name__)

Work = Callable[[Session, dict[str, Any]], dict[str, Any]]


def worker_name() -> str:
    """Host and process id: who holds a claim."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_work_item(item_id: int, work: Work, settings: Settings, *, give_up: Work | None = None) -> bool:
    """Claim the item and call `work(session, payload)` in the transaction that also ends the item.

    Returns whether that transaction was committed.

    `work` returns the item's result, a JSON object. A message for an item that somebody else holds, that ended, or that
    is not due yet does nothing. Errors are recorded in the ledger and never raised to Celery, whose own retries would
    run beside the ledger's.
    """
    try:
        held = _claim(item_id, settings)
    except RetryableError as error:
        # The item is still queued; the dispatcher notices that its message is gone.
        log.warning("claim_failed", item_id=item_id, code=error.code, reason=error.message)
        return False
    if held is None:
        log.debug("claim_refused", item_id=item_id)
        return False
    with structlog.contextvars.bound_contextvars(job_id=held.job_id, item_id=held.item_id, attempt=held.attempts):
        return _attempt(held, work, settings, give_up)


def _attempt(held: Claim, work: Work, settings: Settings, give_up: Work | None = None) -> bool:
    """Whether the work, or `give_up` in its place, was committed; every failure is recorded."""
    try:
        _work(held, work, settings)
        return True
    except StaleClaimError:
        log.warning("claim_stale")
    except MusicSpaceError as error:
        if give_up is not None and _is_exhausted(held, error, settings):
            log.warning("work_given_up", code=error.code, reason=error.message)
            return _attempt(held, give_up, settings)
        _record(held, error, settings)
    except Exception as error:
        log.exception("work_failed_unexpectedly")
        _record(held, _unexpected(error), settings)
    return False


def _claim(item_id: int, settings: Settings) -> Claim | None:
    with open_session(settings.required_database_url) as session:
        held = work_items.claim(session, item_id, worker_name(), settings.ledger.lease_seconds)
        session.commit()
    return held


def _work(held: Claim, work: Work, settings: Settings) -> None:
    with keep_lease(held, settings), open_session(settings.required_database_url) as session:
        result = work(session, held.payload)
        work_items.finish(session, held, result)
        session.commit()
    log.info("work_done", kind=held.kind, **result)


def _record(held: Claim, error: MusicSpaceError, settings: Settings) -> None:
    """Write the failure down, waiting a while for a database that is away; else the lease runs out and says it."""
    note = log.info if isinstance(error, NotNowError) else log.warning
    note("work_postponed" if isinstance(error, NotNowError) else "work_failed", code=error.code, reason=error.message)
    try:
        patience(settings)(_write_failure, held, error, settings)
    except StaleClaimError:
        log.warning("claim_stale")
    except RetryableError as outage:
        log.error("failure_not_recorded", code=outage.code, reason=outage.message)


def _write_failure(held: Claim, error: MusicSpaceError, settings: Settings) -> None:
    with open_session(settings.required_database_url) as session:
        if isinstance(error, NotNowError):
            work_items.postpone(session, held, error.retry_after_s, error.code, error.message)
        elif not isinstance(error, RetryableError):
            work_items.fail(session, held, error.code, error.message)
        elif _is_exhausted(held, error, settings):
            work_items.fail(session, held, "retries-exhausted", f"{error.code}: {error.message}")
        else:
            delay_s = _delay(held, error, settings.ledger)
            work_items.retry_later(session, held, delay_s, error.code, error.message)
        session.commit()


def _is_exhausted(held: Claim, error: MusicSpaceError, settings: Settings) -> bool:
    """Whether the error would be worth another attempt, and there is none left. Waiting is never exhausted."""
    if not isinstance(error, RetryableError) or isinstance(error, NotNowError):
        return False
    return held.attempts >= settings.ledger.max_attempts


def _delay(held: Claim, error: RetryableError, ledger: LedgerSettings) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    return full_jitter(held.attempts, ledger.backoff_base_seconds, ledger.backoff_cap_seconds)


def _unexpected(error: Exception) -> MusicSpaceError:
    return MusicSpaceError("unexpected", f"{type(error).__name__}: {error}")
