"""The tracks of the library, kept in the memory of a process; read anew in the background while the old ones serve."""

import os
import threading
import time
from collections.abc import Callable
from functools import lru_cache

from core.errors import MusicSpaceError, RetryableError
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from services.personal.loaded_catalog import LoadedCatalog, read_catalog

log = get_logger(__name__)

#: Makes what answers need beside the catalog itself.
Prepare = Callable[[LoadedCatalog], None]

#: How long a caller waits for others who read the library, before it is told to come again.
WAIT_SECONDS = 20.0
_WAIT_FOR_FRESH_SECONDS = 300.0
#: While tracks keep changing, pauses between two readings are so many times as long as one took.
_PAUSES = 10.0


class CatalogStore:
    """One catalog for all threads of a process. Making this costs nothing."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._lock = threading.Lock()
        self._found: LoadedCatalog | None = None
        self._prepare: Prepare | None = None
        self._checked = self._next_check = 0.0

    def get(self, refresh_seconds: float, prepare: Prepare | None = None) -> LoadedCatalog:
        """The catalog; if it may be outdated, a thread looks for changes while this one serves.

        `prepare` is called with this one if it is only read now, and with every later one before it serves.
        """
        self._prepare = prepare or self._prepare
        found = self._found
        if found is None:
            return self._locked(WAIT_SECONDS, refresh_seconds, not_before=0.0)
        if time.monotonic() >= self._next_check and self._lock.acquire(blocking=False):
            # The thread releases the lock.
            threading.Thread(target=self._refresh_aside, args=(refresh_seconds,), daemon=True).start()
        return found

    def get_fresh(self, refresh_seconds: float) -> LoadedCatalog:
        """The catalog with everything that was committed before this call."""
        return self._locked(_WAIT_FOR_FRESH_SECONDS, refresh_seconds, not_before=time.monotonic())

    def _locked(self, wait_s: float, refresh_seconds: float, not_before: float) -> LoadedCatalog:
        if not self._lock.acquire(timeout=wait_s):
            raise RetryableError("recommendations-busy", "The library is still being read; try again soon.")
        try:
            if self._found is None or self._checked < not_before:
                return self._refreshed(refresh_seconds)
            return self._found
        finally:
            self._lock.release()

    def _refresh_aside(self, refresh_seconds: float) -> None:
        try:
            self._refreshed(refresh_seconds)
        except MusicSpaceError as error:
            log.warning("catalog_outdated", code=error.code, reason=error.message)
        finally:
            self._lock.release()

    def _refreshed(self, refresh_seconds: float) -> LoadedCatalog:
        """Look for a change and read the tracks if there is one; under the lock."""
        started = time.monotonic()
        self._next_check = started + refresh_seconds
        with open_session(self._url) as session:
            found = read_catalog(session, self._found)
        if found is not self._found:
            try:
                self._make_ready(found)
            finally:
                # Even so it is newer than the other.
                self._found = found
            seconds = time.monotonic() - started
            log.info("catalog_read", tracks=len(found.catalog), seconds=round(seconds, 2))
            self._next_check = time.monotonic() + max(refresh_seconds, _PAUSES * seconds)
        self._checked = started
        return found

    def _make_ready(self, found: LoadedCatalog) -> None:
        """Who asks the new one first shall not wait for what the old one had."""
        if self._found is not None and self._found.has_space:
            _ = found.space
        if self._prepare is None:
            return
        try:
            self._prepare(found)
        except MusicSpaceError as error:
            # Whoever asks first makes what is missing, or is told why that cannot be.
            log.warning("catalog_not_prepared", code=error.code, reason=error.message)


def current_catalog(settings: Settings, *, fresh: bool = False, prepare: Prepare | None = None) -> LoadedCatalog:
    """All tracks. The first call in a process reads them, later ones look for changes now and then.

    Parameters
    ----------
    settings : `personal.catalog_refresh_seconds` is the shortest pause between two looks
    fresh : wait for everything that is committed by now, as a training after an import must
    prepare : called with every catalog that is read from now on, before anybody gets it

    Raises
    ------
    RetryableError
        `recommendations-busy`: others still read the library after a while; `database-unavailable`.
    """
    store = _store(settings.required_database_url, os.getpid())
    seconds = settings.personal.catalog_refresh_seconds
    return store.get_fresh(seconds) if fresh else store.get(seconds, prepare)


@lru_cache(maxsize=2)
def _store(database_url: str, pid: int) -> CatalogStore:
    return CatalogStore(database_url)
