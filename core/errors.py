"""Typed errors with stable codes.

Every error a person or a program can meet is a `MusicSpaceError`. Its class says what to do with it (retry, give up,
fix the configuration); its code is stable and described in `core.error_codes`.
"""

from core.error_codes import ERROR_CODES


class MusicSpaceError(Exception):
    """Base of all errors raised on purpose.

    `code` is a key of `ERROR_CODES`; the message names the file, row or setting, and the way out.
    """

    def __init__(self, code: str, message: str) -> None:
        if code not in ERROR_CODES:
            raise AssertionError(f"undocumented error code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message


class RetryableError(MusicSpaceError):
    """The same call may succeed later. `retry_after_s` is the provider's own wish, when it gave one."""

    def __init__(self, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class NotNowError(RetryableError):
    """The work was not tried, because it is known that it could not succeed or must not be done now.

    Waiting like this is no failed attempt. `retry_after_s` is always given.
    """

    retry_after_s: float

    def __init__(self, message: str, retry_after_s: float, code: str = "provider-not-now") -> None:
        super().__init__(code, message, retry_after_s)


class PermanentError(MusicSpaceError):
    """The same call will fail again: bad input, or a thing that does not exist."""


class ConfigurationError(MusicSpaceError):
    """The installation is wrong; an operator must change something."""
