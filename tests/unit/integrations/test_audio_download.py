"""Fetching audio from URLs: a real server on this machine, and addresses that must not be reached."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest

from core.audio_settings import AudioSettings
from core.errors import MusicSpaceError, PermanentError, RetryableError
from integrations.audio_download import download, is_public

CONTENT = bytes(range(256)) * 1_000
SETTINGS = AudioSettings(urls_enabled=True, url_max_bytes=1_000_000, url_timeout_seconds=5)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.hosts.append(self.headers["Host"])  # type: ignore[attr-defined]
        name, _, argument = self.path.partition("?")[0].lstrip("/").partition("/")
        getattr(self, f"_{name}")(argument)

    def _file(self, _: str) -> None:
        self._send(200, {"Content-Length": str(len(CONTENT))}, CONTENT)

    def _endless(self, _: str) -> None:
        self._send(200, {}, b"")
        while True:
            self.wfile.write(bytes(65_536))

    def _large(self, _: str) -> None:
        self._send(200, {"Content-Length": "999999999999"}, b"")

    def _short(self, _: str) -> None:
        self._send(200, {"Content-Length": "5000"}, b"only this")

    def _packed(self, _: str) -> None:
        self._send(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")

    def _status(self, code: str) -> None:
        self._send(int(code), {"Content-Length": "0"}, b"")

    def _to(self, target: str) -> None:
        self._send(302, {"Location": target, "Content-Length": "0"}, b"")

    def _again(self, count: str) -> None:
        self._to(f"/again/{int(count) - 1}" if int(count) > 1 else "/file")

    def _drip(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            self.wfile.write(f"X-{number}: 1\r\n".encode())
            time.sleep(0.1)

    def _slow(self, _: str) -> None:
        self._send(200, {}, b"")
        for _number in range(100):
            self.wfile.write(b"x")
            time.sleep(0.1)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hosts: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up on purpose."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def fetch(server: _Server, tmp_path: Path) -> Callable[..., Path]:
    def call(path: str, settings: AudioSettings = SETTINGS) -> Path:
        url = f"http://127.0.0.1:{server.server_port}/{path}"
        return download(url, tmp_path, settings, is_allowed=lambda address: address.is_loopback)

    return call


def _fails(call: Callable[[], Path], folder: Path) -> MusicSpaceError:
    with pytest.raises(MusicSpaceError) as caught:
        call()
    assert list(folder.iterdir()) == []
    return caught.value


@pytest.mark.parametrize("path", ["file", "to//file", "again/5"])
def test_content_arrives(path: str, fetch: Callable[..., Path]) -> None:
    assert fetch(path).read_bytes() == CONTENT


def test_a_name_is_sent_along_though_an_address_is_called(server: _Server, tmp_path: Path) -> None:
    url = f"http://user:secret@localhost:{server.server_port}/file?token=1#x"
    path = download(url, tmp_path, SETTINGS, is_allowed=lambda address: address.is_loopback)
    assert path.read_bytes() == CONTENT
    assert server.hosts == [f"localhost:{server.server_port}"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("endless", "larger than 1,000,000 bytes"),
        ("large", "larger than 1,000,000 bytes"),
        ("packed", "compresses"),
        ("status/404", "answered 404"),
        ("status/304", "answered 304"),
        ("again/6", "more than 5 times"),
        ("to/file:///etc/passwd", "only http"),
        ("to/ftp://example.com/a", "only http"),
        ("to/http://[::1", "no URL"),
        ("to/http://192.168.0.1/a", "not public"),
    ],
)
def test_what_is_refused(path: str, words: str, fetch: Callable[..., Path], tmp_path: Path) -> None:
    error = _fails(lambda: fetch(path), tmp_path)
    assert isinstance(error, PermanentError)
    assert error.code == "audio-url-refused"
    assert words in error.message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("status/503", "503"),
        ("status/429", "429"),
        ("short", "could not be fetched"),
        ("slow", "too long"),
        ("drip", "too long"),
    ],
)
def test_what_may_work_later(path: str, words: str, fetch: Callable[..., Path], tmp_path: Path) -> None:
    hurried = SETTINGS.model_copy(update={"url_timeout_seconds": 1.0})
    started = time.monotonic()
    error = _fails(lambda: fetch(path, hurried), tmp_path)
    assert isinstance(error, RetryableError)
    assert error.code == "audio-download-failed"
    assert words in error.message
    assert time.monotonic() - started < 4


def test_nobody_listens(tmp_path: Path) -> None:
    with _Server() as gone:
        url = f"http://127.0.0.1:{gone.server_port}/file"
    error = _fails(lambda: download(url, tmp_path, SETTINGS, is_allowed=lambda _: True), tmp_path)
    assert error.code == "audio-download-failed"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "0.0.0.0"]
)
def test_this_network_is_not_reached(host: str, server: _Server, tmp_path: Path) -> None:
    url = f"http://{host}:{server.server_port}/file"
    assert _fails(lambda: download(url, tmp_path, SETTINGS), tmp_path).code == "audio-url-refused"
    assert server.hosts == []


@pytest.mark.parametrize("url", ["ftp://a/b", "http://", "http:///a", "file:///etc/passwd", "http://[::1", "x"])
def test_what_is_no_url_of_the_web(url: str, tmp_path: Path) -> None:
    assert _fails(lambda: download(url, tmp_path, SETTINGS), tmp_path).code == "audio-url-refused"


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    error = _fails(lambda: download("http://user:pass@127.0.0.1/a?token=s3cret", tmp_path, SETTINGS), tmp_path)
    assert "127.0.0.1/a" in error.message
    assert not any(secret in error.message for secret in ("user", "pass", "s3cret"))


def test_urls_are_off_unless_switched_on(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="MUSICSPACE_AUDIO__URLS_ENABLED"):
        download("https://example.com/a.mp3", tmp_path, AudioSettings())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("::ffff:93.184.216.34", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(ip_address(address)) is expected
