"""Who can reach the API under given settings, and whether it therefore needs a key."""

import ipaddress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from core.errors import ConfigurationError
from core.settings import Settings
from integrations.embedded.layout import Layout


def check_key_setting(settings: Settings) -> None:
    """Refuse to run without a key where others could reach the API or its servers.

    Raises
    ------
    ConfigurationError
        `invalid-settings`, naming MUSICSPACE_API__KEY.
    """
    if api_key(settings) or (is_loopback(settings.api.host) and uses_embedded_servers(settings)):
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


def api_key(settings: Settings) -> str | None:
    """The key; an empty one, as compose files write it, is none."""
    return (settings.api.key.get_secret_value() or None) if settings.api.key else None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _socket_dir(url: str | None) -> Path | None:
    """The folder of the Unix socket in a URL; None for no URL, and a folder that is nobody's for a network address."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return Path(parts.path).parent
    [host] = parse_qs(parts.query).get("host", [""])
    return Path(host) if not parts.hostname and host.startswith("/") else Path()
