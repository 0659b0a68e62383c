"""Who may write: holders of the API key, and everybody on this machine in the embedded default."""

import hmac
import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from api.dependencies import AppSettings
from core.errors import ConfigurationError, PermanentError
from core.settings import Settings
from integrations.embedded.layout import Layout

HEADER = "X-API-Key"

_header = APIKeyHeader(
    name=HEADER, auto_error=False, description="Guards writes. Off only in the embedded default on loopback."
)


def check_key_setting(settings: Settings) -> None:
    """Refuse to run without a key where others could reach the API or its servers.

    Raises
    ------
    ConfigurationError
        `invalid-settings`, naming MUSICSPACE_API__KEY.
    """
    if _key(settings) or (_is_loopback(settings.api.host) and uses_embedded_servers(settings)):
        return
    raise ConfigurationError(
        "invalid-settings",
        "MUSICSPACE_API__KEY is not set. Set it to a long random text: "
        "the API runs without one only on loopback and with the embedded servers.",
    )


def uses_embedded_servers(settings: Settings) -> bool:
    """Whether both URLs are unset, or are those of the embedded servers of the data directory."""
    sockets = Layout.of(settings.data_dir).sockets
    return _socket_dir(settings.database_url) in (None, sockets) and _socket_dir(settings.redis_url) in (None, sockets)


async def require_key(
    request: Request, settings: AppSettings, given: Annotated[str | None, Security(_header)] = None
) -> None:
    """Let a write pass with the right key or, where no key is set, unless a web page of another site sends it.

    Raises
    ------
    PermanentError
        `unauthorized`.
    """
    key = _key(settings)
    if key is None:
        _refuse_foreign_page(request)
    # Header bytes arrive as Latin-1; comparing bytes allows a key of any characters.
    elif given is None or not hmac.compare_digest(given.encode("latin-1"), key.encode()):
        raise PermanentError("unauthorized", f"The {HEADER} header is {'missing' if given is None else 'wrong'}.")


def _refuse_foreign_page(request: Request) -> None:
    """Browsers let any site post a form to localhost, and tell in `Origin` which one it was."""
    origin = request.headers.get("Origin")
    if origin is not None and not _is_loopback(_host(origin)):
        raise PermanentError("unauthorized", "Web pages of other sites cannot write; set MUSICSPACE_API__KEY.")


def _key(settings: Settings) -> str | None:
    """The key; an empty one, as compose files write it, is none."""
    return (settings.api.key.get_secret_value() or None) if settings.api.key else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _socket_dir(url: str | None) -> Path | None:
    """The folder of the Unix socket in a URL; None for no URL, and a folder that is nobody's for a network address."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return Path(parts.path).parent
    [host] = parse_qs(parts.query).get("host", [""])
    return Path(host) if not parts.hostname and host.startswith("/") else Path()
