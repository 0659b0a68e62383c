"""The table of processes that `musicspace up` runs."""

import shlex
from pathlib import Path

import pytest

from cli.processes import ProcessSpec, UpOptions, processes
from core.settings import Settings

OPTIONS = UpOptions(concurrency=3, api_host="127.0.0.1", api_port=8001, flower_port=5556)


def table(options: UpOptions = OPTIONS, **urls: str) -> dict[str, ProcessSpec]:
    settings = Settings(**{"data_dir": Path("/srv/music"), "database_url": None, "redis_url": None} | urls)
    return {spec.name: spec for spec in processes(settings, options, "postgresql://here/x", "unix:///here")}


def test_everything_runs() -> None:
    workers = [f"worker-{name}" for name in ("cpu", "api", "gpu", "train", "personal", "maintenance")]
    assert list(table()) == ["postgres", "valkey", *workers, "beat", "api", "flower"]


def test_servers_of_somebody_else_are_not_watched() -> None:
    urls = {"database_url": "postgresql://db/x", "redis_url": "redis://cache"}
    assert not {"postgres", "valkey"} & set(table(**urls))
    assert "postgres" in table(redis_url="redis://cache")


def test_flower_can_be_left_out() -> None:
    assert "flower" not in table(UpOptions(1, "127.0.0.1", 8000, None))


def test_fake_providers_are_asked_instead_of_real_ones() -> None:
    specs = table(UpOptions(1, "127.0.0.1", 8000, None, fakes_port=8123), gemini={"api_key": "a-real-one"})
    assert "--port=8123" in specs["fake-providers"].argv
    for name in ("worker-cpu", "worker-api", "api"):
        env = specs[name].env
        assert env["MUSICSPACE_RECCOBEATS__ENABLED"] == "true"
        assert env["MUSICSPACE_RECCOBEATS__BASE_URL"] == env["MUSICSPACE_GEMINI__BASE_URL"] == "http://127.0.0.1:8123"
        assert env["MUSICSPACE_GEMINI__API_KEY"] != "a-real-one"
    assert "fake-providers" not in table()


def test_the_parts_find_the_servers_but_the_watchers_look_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSICSPACE_DATABASE_URL", raising=False)
    specs = table()
    assert specs["api"].env["MUSICSPACE_DATABASE_URL"] == "postgresql://here/x"
    assert specs["api"].env["MUSICSPACE_REDIS_URL"] == "unix:///here"
    assert specs["api"].env["MUSICSPACE_API__PORT"] == "8001"
    assert "MUSICSPACE_DATABASE_URL" not in specs["postgres"].env


def test_options_reach_the_commands() -> None:
    specs = table()
    assert "--concurrency=3" in specs["worker-cpu"].argv
    assert "--concurrency=1" in specs["worker-train"].argv
    assert "--concurrency=4" in table(personal={"concurrency": 4})["worker-personal"].argv
    assert {"--queues=embed", "--pool=solo"} <= set(specs["worker-gpu"].argv)
    assert "--concurrency=1" in specs["worker-maintenance"].argv
    assert {"--port=5556", "--address=127.0.0.1"} <= set(specs["flower"].argv)


def test_the_shell_replaces_itself_and_splits_nothing() -> None:
    line = ProcessSpec("odd", ("echo", "two words", "$HOME", "it's"), env={}).shell_command(grace_s=5)
    words = shlex.split(line)
    assert words[0] == "exec"
    assert words[words.index("--") + 1 :] == ["echo", "two words", "$HOME", "it's"]


def test_addresses_can_be_opened() -> None:
    assert OPTIONS.api_url == "http://127.0.0.1:8001"
    assert UpOptions(1, "::1", 80, None).api_url == "http://[::1]:80"
