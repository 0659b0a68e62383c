"""Fetch a track's audio from its URL, without being led into this network, filled up or held up."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from core.audio_settings import AudioSettings
from core.errors import PermanentError, RetryableError

Address = IPv4Address | IPv6Address

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WORTH_RETRYING = frozenset({408, 425, 429})
_CHUNK_BYTES = 1 << 16


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, addresses of IPv4 inside those of IPv6 included."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if not all(is_public(inner) for inner in (address.sixtofour, *(address.teredo or ())) if inner is not None):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def download(
    url: str, folder: Path, settings: AudioSettings, is_allowed: Callable[[Address], bool] = is_public
) -> Path:
    """Fetch a URL into a new file in a folder; the caller deletes it. On any error nothing is left there.

    The connection goes to the very address that was checked, so that a name cannot resolve to another one in between;
    each redirect is checked anew. Proxies of the environment are not used, since they would do the resolving.

    Raises
    ------
    PermanentError
        `audio-url-refused`: URLs are off, no http(s), not an allowed address, too large, compressed, refused by the
        server, or too many redirects.
    RetryableError
        `audio-download-failed`: no connection, a time-out, or an error of the server.
    """
    if not settings.urls_enabled:
        raise _refused(url, "URLs are off; MUSICSPACE_AUDIO__URLS_ENABLED switches them on")
    deadline = time.monotonic() + settings.url_timeout_seconds
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="download-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, httpx.HTTPTransport() as transport:
            _follow(transport, url, file, settings, deadline, is_allowed)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _follow(
    transport: httpx.HTTPTransport,
    url: str,
    file: BinaryIO,
    settings: AudioSettings,
    deadline: float,
    is_allowed: Callable[[Address], bool],
) -> None:
    """Go from redirect to redirect until there is content, and write it."""
    for _ in range(MOST_REDIRECTS + 1):
        parsed = _parsed(url)
        with _answer(transport, parsed, _addresses(parsed, is_allowed), deadline) as response:
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or location is None:
                _store(response, parsed, file, settings.url_max_bytes, deadline)
                return
        try:
            url = str(parsed.join(location))
        except httpx.InvalidURL:
            raise _refused(url, "it redirects to what is no URL") from None
    raise _refused(url, f"it redirects more than {MOST_REDIRECTS} times")


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise PermanentError("audio-url-refused", "The address of the audio is no valid URL.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _refused(url, "only http:// and https:// are fetched")
    return parsed


def _addresses(url: httpx.URL, is_allowed: Callable[[Address], bool]) -> list[Address]:
    """All addresses of a host; refused if one of them is not allowed."""
    host = url.raw_host.decode("ascii")
    port = url.port or (443 if url.scheme == "https" else 80)
    reason: Exception | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error
    if reason is not None:
        if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_AGAIN:
            raise _failed(url, f"its host cannot be looked up now ({reason})")
        raise _refused(url, f"its host is not known ({reason})")
    try:
        addresses = list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
    except ValueError:
        raise _refused(url, "its host has an address of this network") from None
    if not all(map(is_allowed, addresses)):
        raise _refused(url, "its host has an address that is not public")
    return addresses


@contextmanager
def _answer(
    transport: httpx.HTTPTransport, url: httpx.URL, addresses: list[Address], deadline: float
) -> Iterator[httpx.Response]:
    """The answer of the first address that one can connect to, its body not yet read."""
    streams: list[Any] = []
    # Time limits of httpx are for single reads; a server that sends a byte at a time would never meet one.
    alarm = threading.Timer(max(0.0, deadline - time.monotonic()), _hang_up, [streams])
    alarm.daemon = True
    alarm.start()
    reason: Exception | None = None
    try:
        response = _connect(transport, url, addresses, deadline, streams)
        try:
            yield response
        finally:
            response.close()
    except (httpx.TransportError, httpx.StreamError, OSError) as error:
        reason = error
    finally:
        alarm.cancel()
    if reason is not None:
        late = time.monotonic() >= deadline
        raise _failed(url, "it takes too long (MUSICSPACE_AUDIO__URL_TIMEOUT_SECONDS)" if late else repr(reason))


def _connect(
    transport: httpx.HTTPTransport, url: httpx.URL, addresses: list[Address], deadline: float, streams: list[Any]
) -> httpx.Response:
    def note(event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            streams.append(info["return_value"])

    host = url.raw_host.decode("ascii")
    for index, address in enumerate(addresses):
        limits = httpx.Timeout(max(0.01, deadline - time.monotonic())).as_dict()
        request = httpx.Request(
            "GET",
            url.copy_with(host=str(address), username=None, password=None, fragment=None),
            headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": host, "trace": note, "timeout": limits},
        )
        try:
            response = transport.handle_request(request)
            response.request = request
            return response
        except httpx.ConnectError:
            if index == len(addresses) - 1:
                raise
    raise AssertionError("a host has at least one address")


def _hang_up(streams: list[Any]) -> None:
    for stream in streams:
        connection = stream.get_extra_info("socket")
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It is closed, or wrapped by the TLS connection that follows in the list.
            continue


def _store(response: httpx.Response, url: httpx.URL, file: BinaryIO, most_bytes: int, deadline: float) -> None:
    status = response.status_code
    if status >= 500 or status in _WORTH_RETRYING:
        raise _failed(url, f"the server answered {status}")
    if not 200 <= status < 300:
        raise _refused(url, f"the server answered {status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _refused(url, "the server compresses it unasked")
    too_large = f"it is larger than {most_bytes:,} bytes (MUSICSPACE_AUDIO__URL_MAX_BYTES)"
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise _refused(url, too_large)
    written = 0
    for chunk in response.iter_raw(_CHUNK_BYTES):
        written += len(chunk)
        if written > most_bytes:
            raise _refused(url, too_large)
        if time.monotonic() >= deadline:
            raise httpx.ReadTimeout("too slow")
        file.write(chunk)


def _refused(url: httpx.URL | str, reason: str) -> PermanentError:
    return PermanentError("audio-url-refused", f"{_shown(url)} is not fetched: {reason}.")


def _failed(url: httpx.URL | str, reason: str) -> RetryableError:
    return RetryableError("audio-download-failed", f"{_shown(url)} could not be fetched: {reason}.")


def _shown(url: httpx.URL | str) -> str:
    """A URL without what may be secret: names, passwords, and the query that signed URLs carry."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "The URL"
    return str(parsed.copy_with(username=None, password=None, query=None, fragment=None))
