"""One process starts the servers, uses them, and stops them."""

import os
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from embedded_checks import Kept, gone, pids

from core.settings import Settings
from integrations.embedded import EmbeddedServers, embedded_servers


def test_both_answer_and_nothing_is_left(kept: Kept, new_settings: Settings) -> None:
    with embedded_servers(new_settings) as urls:
        running = pids(new_settings)
        children = [child.pid for pid in running for child in psutil.Process(pid).children()]
        kept.write(urls, "a")
        assert kept.read(urls) == (["a"], ["a"])
        assert len(running) == 2
    assert gone(running + children)
    assert pids(new_settings) == []


def test_starting_again_keeps_data_and_is_fast(kept: Kept, settings: Settings) -> None:
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
    started = time.monotonic()
    with embedded_servers(settings) as urls:
        assert time.monotonic() - started < 3  # 0.1 s on an idle machine
        assert kept.read(urls) == (["a"], ["a"])


def test_settings_that_must_not_lose_a_commit(settings: Settings) -> None:
    with embedded_servers(settings) as urls:
        with psycopg.connect(urls.database_url) as connection:
            shown = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "synchronous_commit", "server_encoding", "listen_addresses", "data_checksums")
            ]
        with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
            config = client.config_get("appendonly", "maxmemory-policy", "port")
    assert shown == [("on",), ("on",), ("UTF8",), ("",), ("on",)]
    assert config == {"appendonly": "yes", "maxmemory-policy": "noeviction", "port": "0"}


def test_text_is_compared_by_bytes_and_lowercased_by_unicode(settings: Settings) -> None:
    with embedded_servers(settings) as urls, psycopg.connect(urls.database_url) as connection:
        assert connection.execute("SELECT lower('BEYONCÉ'), 'Z' < 'a'").fetchone() == ("beyoncé", True)


def test_the_servers_are_in_sessions_of_their_own(settings: Settings) -> None:
    with embedded_servers(settings):
        assert all(os.getsid(pid) != os.getsid(0) for pid in pids(settings))


def test_set_urls_are_passed_through(folder: Path) -> None:
    settings = Settings(data_dir=folder / "data", database_url="postgresql://db/x", redis_url="redis://cache")
    with embedded_servers(settings) as urls:
        assert (urls.database_url, urls.redis_url) == ("postgresql://db/x", "redis://cache")
    assert not settings.data_dir.exists()


def test_only_the_server_without_a_url_is_started(settings: Settings) -> None:
    mixed = settings.model_copy(update={"database_url": "postgresql://db/x"})
    with embedded_servers(mixed) as urls:
        assert urls.database_url == "postgresql://db/x"
        assert [status.name for status in EmbeddedServers(mixed).status()] == ["valkey"]
        assert len(pids(settings)) == 1
    assert pids(settings) == []


def test_status_starts_and_creates_nothing(new_settings: Settings) -> None:
    assert [status.pid for status in EmbeddedServers(new_settings).status()] == [None, None]
    assert not new_settings.data_dir.exists()


def test_ensure_running_leaves_healthy_servers_alone(settings: Settings) -> None:
    with embedded_servers(settings):
        before = pids(settings)
        assert EmbeddedServers(settings).ensure_running() == []
        assert pids(settings) == before


def test_logs_tell_of_the_start(settings: Settings) -> None:
    with embedded_servers(settings):
        pass
    assert "ready to accept connections" in (settings.data_dir / "log" / "postgres.log").read_text()
    assert "Ready to accept connections" in (settings.data_dir / "log" / "valkey.log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers as another account")
def test_started_by_root_they_run_without_privileges(settings: Settings) -> None:
    with embedded_servers(settings):
        processes = [psutil.Process(pid) for pid in pids(settings)]
        assert all(0 not in (*process.uids(), *process.gids()) for process in processes)
        assert all(psutil.Process(child.pid).uids().real != 0 for process in processes for child in process.children())
