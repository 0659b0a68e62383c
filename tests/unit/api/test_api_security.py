"""When a key is needed, and what protects an API without one."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from core.errors import ConfigurationError
from core.settings import ApiSettings, Settings
from integrations.embedded import EmbeddedServers
from integrations.exposure import uses_embedded_servers


@pytest.fixture(params=["short", "x" * 120])
def embedded(tmp_path, request):
    """The settings of a process that was handed the embedded servers; a long data directory has its sockets in /tmp."""
    settings = Settings(data_dir=tmp_path / request.param)
    urls = EmbeddedServers(settings).urls
    return settings.model_copy(update={"database_url": urls.database_url, "redis_url": urls.redis_url})


def with_api(settings, host="127.0.0.1", key=None):
    return settings.model_copy(update={"api": ApiSettings(host=host, key=key)})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_no_key_is_needed_on_loopback_with_embedded_servers(embedded, host):
    create_app(with_api(embedded, host))
    create_app(with_api(Settings(), host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_a_key_is_needed_on_any_other_address(embedded, host, key):
    with pytest.raises(ConfigurationError, match="MUSICSPACE_API__KEY") as error:
        create_app(with_api(embedded, host, key))
    assert error.value.code == "invalid-settings"
    create_app(with_api(embedded, host, SecretStr("k")))


@pytest.mark.parametrize(
    "other",
    [
        {"database_url": "postgresql://user@host/db"},
        {"database_url": "postgresql://user@/db"},
        {"database_url": "postgresql://user@/db?host=/var/run/postgresql"},
        {"database_url": "postgresql://user@host/db?host=10.0.0.1"},
        {"redis_url": "redis://127.0.0.1:6379/0"},
        {"redis_url": "unix:///run/redis.sock"},
    ],
)
def test_a_key_is_needed_with_other_servers(embedded, other):
    settings = embedded.model_copy(update=other)
    assert uses_embedded_servers(embedded)
    assert not uses_embedded_servers(settings)
    with pytest.raises(ConfigurationError, match="MUSICSPACE_API__KEY"):
        create_app(with_api(settings))


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 415),
        ("http://localhost:3000", 415),
        ("http://127.0.0.1:8000", 415),
        ("http://[::1]:8000", 415),
        ("https://evil.example", 401),
        ("http://localhost.evil.example", 401),
        ("http://[", 401),
        ("null", 401),
    ],
)
def test_without_a_key_pages_of_other_sites_cannot_write(embedded, origin, status):
    client = TestClient(create_app(with_api(embedded)))
    response = client.post("/api/playlists/import", headers={} if origin is None else {"Origin": origin})
    assert response.status_code == status
