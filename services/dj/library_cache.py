"""The library of the database, kept in the memory of a process and brought up to date when tracks were analyzed."""

import threading
import time
from typing import TYPE_CHECKING

from core.errors import MusicSpaceError, PermanentError
from core.telemetry import get_logger

if TYPE_CHECKING:
    from services.dj.database_library import DatabaseLibrary

log = get_logger(__name__)

#: A change is looked for at most this often.
CHECK_SECONDS = 3.0
#: A library that took longer to read is read anew in the background, while the old one still serves ...
PATIENCE_SECONDS = 1.0
#: ... and, while tracks keep changing, with pauses so many times as long as reading took.
_PAUSES = 10.0


class LibraryCache:
    """One library for all threads of a process. Importing and making this costs nothing."""

    def __init__(self, check_seconds: float = CHECK_SECONDS) -> None:
        self._check_s = check_seconds
        self._lock = threading.Lock()
        self._found: DatabaseLibrary | None = None
        self._next_check = 0.0
        self._load_s = 0.0

    def get(self, database_url: str) -> "DatabaseLibrary":
        """The library, at most a few seconds behind the database unless it is large.

        Raises
        ------
        PermanentError
            `audio-not-analyzed`: no track has been analyzed.
        RetryableError
            `database-unavailable`.
        """
        found = self._found
        if found is None:
            with self._lock:
                return self._refreshed(database_url)
        if time.monotonic() < self._next_check or not self._lock.acquire(blocking=False):
            return found
        if self._load_s <= PATIENCE_SECONDS:
            try:
                return self._refreshed(database_url)
            finally:
                self._lock.release()
        # The thread releases the lock.
        threading.Thread(target=self._refresh_aside, args=(database_url,), daemon=True).start()
        return found

    def _refresh_aside(self, database_url: str) -> None:
        try:
            self._refreshed(database_url)
        except MusicSpaceError as error:
            log.warning("dj_library_outdated", code=error.code, reason=error.message)
        finally:
            self._lock.release()

    def _refreshed(self, database_url: str) -> "DatabaseLibrary":
        """Look for a change and read the library if there is one; under the lock."""
        from db.engine import open_session
        from db.repositories.dj import library_state
        from services.dj.database_library import read_library

        if self._found is not None and time.monotonic() < self._next_check:
            return self._found
        self._next_check = time.monotonic() + self._check_s
        with open_session(database_url) as session:
            state = library_state(session)
            session.rollback()
            if state is None:
                self._found = None
                raise PermanentError("audio-not-analyzed", "The audio of no track has been analyzed.")
            if self._found is None or self._found.state != state:
                started = time.monotonic()
                self._found = read_library(session, state)
                _ = self._found.library.scale
                self._load_s = time.monotonic() - started
                self._next_check = time.monotonic() + max(self._check_s, _PAUSES * self._load_s)
                log.info("dj_library_read", tracks=len(self._found.library), seconds=round(self._load_s, 2))
            return self._found
