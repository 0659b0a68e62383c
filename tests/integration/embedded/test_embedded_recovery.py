"""Kills, restarts and leftovers: data stays, and the servers come back."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from embedded_checks import Kept, StartUser, gone, kill_all, pids

from core.errors import ConfigurationError
from core.settings import Settings
from integrations.embedded import EmbeddedServers, embedded_servers
from integrations.embedded.account import server_account


@pytest.mark.parametrize(("killed", "name"), [(0, "postgres"), (1, "valkey")])
def test_a_killed_server_comes_back_with_its_data(kept: Kept, settings: Settings, killed: int, name: str) -> None:
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
        before = pids(settings)
        os.kill(before[killed], signal.SIGKILL)
        assert gone([before[killed]])
        assert EmbeddedServers(settings).ensure_running() == [name]
        after = pids(settings)
        assert after[killed] != before[killed]
        assert after[1 - killed] == before[1 - killed]
        kept.write(urls, "b")
        assert kept.read(urls) == (["a", "b"], ["a", "b"])
    assert gone(after)


def test_data_survives_the_death_of_everything(kept: Kept, settings: Settings, start_user: StartUser) -> None:
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
        kill_all(settings)
    with embedded_servers(settings) as urls:
        assert kept.read(urls) == (["a"], ["a"])


def test_numbers_of_dead_servers_now_belong_to_other_processes(kept: Kept, settings: Settings) -> None:
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
        kill_all(settings)
    stranger = stranger_of_the_account(settings)
    try:
        pid_file = settings.data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        (settings.data_dir / "valkey" / "valkey.pid").write_text(f"{stranger.pid}\n")
        assert pids(settings) == []
        with embedded_servers(settings) as urls:
            assert kept.read(urls) == (["a"], ["a"])
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def stranger_of_the_account(settings: Settings) -> "subprocess.Popen[bytes]":
    """An unrelated process of the same account, which is when Postgres itself believes a stale pid file."""
    account = server_account(settings.data_dir / "postgres")
    return subprocess.Popen(["sleep", "60"], cwd="/", **account.spawn_options)


def test_stale_sockets_are_replaced(kept: Kept, settings: Settings) -> None:
    with embedded_servers(settings):
        pass
    for name in (".s.PGSQL.5432", "valkey.sock"):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(settings.data_dir / "sockets" / name))
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
        assert kept.read(urls) == (["a"], ["a"])


def test_servers_nobody_can_reach_are_replaced(kept: Kept, settings: Settings) -> None:
    with embedded_servers(settings) as urls:
        kept.write(urls, "a")
        before = pids(settings)
        shutil.rmtree(settings.data_dir / "sockets")
        assert EmbeddedServers(settings).ensure_running() == ["postgres", "valkey"]
        assert gone(before)
        assert kept.read(urls) == (["a"], ["a"])


def test_an_interrupted_initdb_leaves_no_half_cluster(
    kept: Kept, new_settings: Settings, start_user: StartUser
) -> None:
    user = start_user(new_settings.data_dir)
    deadline = time.monotonic() + 10
    while not (unfinished := list(new_settings.data_dir.glob("postgres.new-*/PG_VERSION"))):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    for process in psutil.Process(user.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    user.kill()
    user.wait()
    assert not (new_settings.data_dir / "postgres").exists()
    with embedded_servers(new_settings) as urls:
        kept.write(urls, "a")
        assert kept.read(urls) == (["a"], ["a"])
    assert not unfinished[0].parent.exists()


def test_data_of_another_postgres_is_refused(new_settings: Settings) -> None:
    with embedded_servers(new_settings):
        pass
    (new_settings.data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(ConfigurationError, match=r"made by Postgres 15, .* has Postgres 18") as caught:
        EmbeddedServers(new_settings).join()
    assert caught.value.code == "embedded-failed"
    assert pids(new_settings) == []


def test_a_failed_start_names_the_log_and_its_last_words(new_settings: Settings) -> None:
    with embedded_servers(new_settings):
        pass
    (new_settings.data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ConfigurationError, match=r"Postgres did not start. .*/log/postgres.log says: .*pg_control"):
        EmbeddedServers(new_settings).join()
    assert pids(new_settings) == []


def test_a_data_directory_that_cannot_be_made(folder: Path) -> None:
    (folder / "file").write_text("")
    settings = Settings(data_dir=folder / "file" / "data", database_url=None, redis_url=None)
    with pytest.raises(ConfigurationError, match="MUSICSPACE_DATA_DIR"):
        EmbeddedServers(settings).join()
