"""Who may write: holders of the API key, and everybody on this machine in the embedded default."""

import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from api.dependencies import AppSettings
from core.errors import PermanentError
from integrations.exposure import api_key, is_loopback

HEADER = "X-API-Key"

_header = APIKeyHeader(
    name=HEADER, auto_error=False, description="Guards writes. Off only in the embedded default on loopback."
)


async def require_key(
    request: Request, settings: AppSettings, given: Annotated[str | None, Security(_header)] = None
) -> None:
    """Let a write pass with the right key or, where no key is set, unless a web page of another site sends it.

    Raises
    ------
    PermanentError
        `unauthorized`.
    """
    key = api_key(settings)
    if key is None:
        _refuse_foreign_page(request)
    # Header bytes arrive as Latin-1; comparing bytes allows a key of any characters.
    elif given is None or not hmac.compare_digest(given.encode("latin-1"), key.encode()):
        raise PermanentError("unauthorized", f"The {HEADER} header is {'missing' if given is None else 'wrong'}.")


def _refuse_foreign_page(request: Request) -> None:
    """Browsers let any site post a form to localhost, and tell in `Origin` which one it was."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_loopback(_host(origin)):
        raise PermanentError("unauthorized", "Web pages of other sites cannot write; set MUSICSPACE_API__KEY.")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
