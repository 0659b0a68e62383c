"""`musicspace status`, and what `musicspace up` checks before it starts anything."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.processes import UpOptions
from cli.status import HEALTHY, STOPPED, UNHEALTHY, inspect
from cli.up import check_ports
from core.errors import ConfigurationError
from core.settings import Settings
from integrations.embedded.running import RunningSystem, announced, running_system


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="musicspace-test-"))
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def nowhere(settings: Settings) -> Settings:
    """The settings with ports where nothing listens."""
    api = settings.api.model_copy(update={"port": free_port()})
    flower = settings.flower.model_copy(update={"port": free_port()})
    return settings.model_copy(update={"api": api, "flower": flower})


def test_nothing_runs_and_nothing_is_started(data_dir: Path) -> None:
    rows = inspect(nowhere(Settings(data_dir=data_dir, database_url=None, redis_url=None)))
    assert {row.component: row.state for row in rows} == {
        "postgres": STOPPED,
        "valkey": STOPPED,
        "workers": STOPPED,
        "api": STOPPED,
        "flower": STOPPED,
    }
    assert not data_dir.exists()


def test_servers_run_but_no_workers(settings: Settings, data_dir: Path) -> None:
    rows = inspect(nowhere(settings.model_copy(update={"data_dir": data_dir})))
    states = [(row.component, row.state) for row in rows]
    assert states[:2] == [("postgres", HEALTHY), ("valkey", HEALTHY)]
    assert {state for component, state in states[2:]} == {STOPPED}


def test_a_database_without_a_schema_is_told(empty_database_url: str, redis_url: str, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, database_url=empty_database_url, redis_url=redis_url)
    [workers] = [row for row in inspect(nowhere(settings)) if row.component == "workers"]
    assert workers.state == UNHEALTHY
    assert "musicspace db upgrade" in workers.detail


def test_a_running_system_tells_where_it_answers(data_dir: Path) -> None:
    system = RunningSystem(pid=os.getpid(), api_url="http://127.0.0.1:1", flower_url=None)
    settings = Settings(data_dir=data_dir, database_url=None, redis_url=None)
    assert running_system(data_dir) is None
    with announced(data_dir, system):
        assert running_system(data_dir) == system
        rows = {row.component: row for row in inspect(settings)}
        assert rows["api"].where == "http://127.0.0.1:1"
        assert "flower" not in rows
    assert running_system(data_dir) is None


def test_a_second_system_on_the_same_data_is_refused(data_dir: Path) -> None:
    system = RunningSystem(pid=4711, api_url="http://127.0.0.1:1", flower_url=None)
    with (
        announced(data_dir, system),
        pytest.raises(ConfigurationError, match=r"already runs on .* \(process 4711\)") as caught,
        announced(data_dir, system),
    ):
        pytest.fail("two systems ran")
    assert caught.value.code == "address-in-use"
    with announced(data_dir, system):
        pass


def test_a_taken_port_is_told_with_the_way_out(taken_port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Port {taken_port} .* for the API, .* --port"):
        check_ports(UpOptions(1, "127.0.0.1", taken_port, None))
    with pytest.raises(ConfigurationError, match=f"Port {taken_port} .* for Flower, .* --no-flower") as caught:
        check_ports(UpOptions(1, "127.0.0.1", free_port(), taken_port))
    assert caught.value.code == "address-in-use"


def test_free_ports_pass() -> None:
    check_ports(UpOptions(1, "127.0.0.1", free_port(), free_port()))
