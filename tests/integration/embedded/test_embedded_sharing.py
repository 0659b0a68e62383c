"""Several users of one data directory: the first starts the servers, the last one out stops them."""

import contextlib
import os
import signal

import psycopg
import pytest
from embedded_checks import StartUser, gone, pids, wait_ready

from core.settings import Settings
from integrations.embedded import embedded_servers


def test_starting_twice_in_one_process(settings: Settings) -> None:
    with embedded_servers(settings):
        first = pids(settings)
        with embedded_servers(settings):
            assert pids(settings) == first
        assert pids(settings) == first
    assert gone(first)


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_the_last_of_two_processes_stops_them(
    settings: Settings, start_user: StartUser, first_leaves_first: bool
) -> None:
    users = [start_user(settings.data_dir), start_user(settings.data_dir)]
    for user in users:
        wait_ready(user)
    running = pids(settings)
    leaving, staying = users if first_leaves_first else reversed(users)
    leaving.communicate("leave\n", timeout=20)
    assert pids(settings) == running
    staying.communicate("leave\n", timeout=20)
    assert gone(running)
    assert [user.returncode for user in users] == [0, 0]


def test_many_at_once_start_one_pair_of_servers(new_settings: Settings, start_user: StartUser) -> None:
    users = [start_user(new_settings.data_dir) for _ in range(4)]
    for user in users:
        wait_ready(user)
    running = pids(new_settings)
    for user in users:
        user.communicate("leave\n", timeout=20)
    assert [user.returncode for user in users] == [0, 0, 0, 0]
    assert len(running) == 2
    assert gone(running)


def test_a_killed_user_leaves_them_to_the_next_one(settings: Settings, start_user: StartUser) -> None:
    user = start_user(settings.data_dir)
    wait_ready(user)
    running = pids(settings)
    user.kill()
    user.wait()
    assert len(running) == 2
    with embedded_servers(settings):
        assert pids(settings) == running
    assert gone(running)


def test_a_server_that_is_out_of_connections_is_left_alone(settings: Settings) -> None:
    with embedded_servers(settings) as urls, contextlib.ExitStack() as connections:
        running = pids(settings)
        for _ in range(100):
            connections.enter_context(psycopg.connect(urls.database_url))
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(urls.database_url)
        with embedded_servers(settings):
            assert pids(settings) == running
    assert gone(running)


def test_a_forked_child_does_not_count_as_a_user(settings: Settings) -> None:
    with embedded_servers(settings):
        running = pids(settings)
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        assert gone(running)
        with embedded_servers(settings):
            assert len(pids(settings)) == 2
        assert pids(settings) == []
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
