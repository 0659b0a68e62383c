"""Extend the lease of a claimed item while its work runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import RetryableError
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from db.repositories.work_items import Claim, extend_lease

log = get_logger(__name__)


@contextmanager
def keep_lease(held: Claim, settings: Settings) -> Iterator[None]:
    """Extend the lease every third of its length, from a thread that costs nothing while the work is short."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(held, settings, stop), name=f"lease-{held.item_id}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(held: Claim, settings: Settings, stop: threading.Event) -> None:
    lease_s = settings.ledger.lease_seconds
    while not stop.wait(lease_s / 3):
        try:
            with open_session(settings.required_database_url) as session:
                kept = extend_lease(session, held, lease_s)
                session.commit()
        except RetryableError as error:
            log.warning("lease_not_extended", code=error.code, reason=error.message)
            continue
        if not kept:
            # The work goes on, but its commit will be refused by the fence.
            log.warning("lease_lost")
            return
