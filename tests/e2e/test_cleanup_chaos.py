"""The clean-up of models, killed at every step while models are used: none that is used goes, nothing is left half.

The process under test is stopped again and again at moments of chance. Where the state it stopped in is the wanted
one, it is killed, else it goes on. So every step is hit for certain, in the code that ships.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from planted_models import plant_files, plant_row
from sqlalchemy import text

from core.user_models import ModelKind
from integrations.model_storage import ModelStorage

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
# Several files, so that a deletion takes a while and can be caught at it.
FILES = {f"{n}.npz": bytes(10) for n in range(30)}
OLD = timedelta(hours=2)


class World:
    """Models in a folder and a table, some of them broken in every way that a clean-up repairs."""

    def __init__(self, session, settings, tmp_path, models: int) -> None:
        self.session, self.settings, self.models = session, settings, models
        self.root, self.outside = tmp_path / "models", tmp_path / "outside"
        self.storage = ModelStorage(str(self.root))
        self.broken = max(models // 20, 10)

    def plant(self) -> None:
        kinds = list(ModelKind)
        for n in range(self.models):
            path = f"{kinds[n % 3]}/{n // 3 + 1}/a"
            sha256 = plant_files(self.root, path, age=timedelta(days=100), files=FILES)
            plant_row(self.session, path, sha256, unused_days=100)
        for n in range(1, self.broken + 1):
            plant_files(self.root, f"m1/{n}/orphan", age=OLD, files=FILES)
            plant_row(self.session, f"m2/{10**6 + n}/dangling", "0", unused_days=100)
            sha256 = plant_files(self.root, f"m3/{n}/marked", files=FILES)
            plant_row(self.session, f"m3/{n}/marked", sha256, state="deleting")
        plant_files(self.outside, "a", age=OLD)
        (self.root / "m1/link").symlink_to(self.outside)
        (self.root / f"m1/{10**7}").symlink_to(self.outside)
        self.session.commit()
        self.session.execute(text("ANALYZE user_models"))
        self.session.commit()

    def rows(self) -> dict[str, str]:
        self.session.rollback()
        return dict(self.session.execute(text("SELECT path, state FROM user_models")).all())

    def marked(self) -> list[Path]:
        return [self.root / path for path, state in self.rows().items() if state == "deleting"]

    def is_connected(self, pid: int) -> bool:
        """Whether a process talks to the database; before that it only starts."""
        query = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = :name)")
        connected = bool(self.session.scalar(query, {"name": f"musicspace-{pid}"}))
        self.session.rollback()
        return connected

    def command(self) -> "subprocess.Popen[bytes]":
        environment = os.environ | {
            "MUSICSPACE_DATABASE_URL": self.settings.database_url,
            "MUSICSPACE_REDIS_URL": self.settings.redis_url,
            "MUSICSPACE_PERSONAL__STORAGE_URL": str(self.root),
        }
        command = [sys.executable, "-m", "cli.main", "models", "cleanup", "--unused-days", "90", "--json"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @contextmanager
    def used(self, pause_s: float) -> Iterator[list[int]]:
        """Models are used meanwhile; the list has the rows at the end of the block."""
        script = [sys.executable, str(Path(__file__).with_name("using_models.py"))]
        arguments = [self.settings.database_url, str(self.root), str(pause_s)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        ids: list[int] = []
        log = self.root.parent / "used"
        with log.open("wb") as out, subprocess.Popen([*script, *arguments], stdout=out, env=environment) as user:
            try:
                yield ids
            finally:
                alive = user.poll() is None
                user.kill()
        assert alive, "the process that uses models ended by itself"
        ids += {int(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")}


def marked_only(world: World) -> bool:
    """Committed that it goes, and every file there."""
    return any(
        (path / "files.json").exists() and len(list(path.iterdir())) == len(FILES) + 1 for path in world.marked()
    )


def half_deleted(world: World) -> bool:
    """Some of its files are gone."""
    return any(path.exists() and 0 < len(list(path.iterdir())) <= len(FILES) for path in world.marked())


def row_alone(world: World) -> bool:
    """Every file is gone, the row is there."""
    return any(not path.exists() for path in world.marked())


def orphan_half_deleted(world: World) -> bool:
    """Files that no row knows, some of them gone."""
    sizes = [len(list(path.iterdir())) for path in world.root.glob("m1/*/orphan")]
    return any(size <= len(FILES) for size in sizes)


def dangling_in_part(world: World) -> bool:
    """Some of the rows without files are gone, others not yet."""
    return 0 < sum(path.endswith("dangling") for path in world.rows()) < world.broken


def unused_in_part(world: World) -> bool:
    """In the midst of the unused ones, none of them half gone."""
    rows = world.rows()
    return "deleting" not in rows.values() and sum(path.endswith("/a") for path in rows) < world.models


STATES: dict[str, Callable[[World], bool]] = {
    "rows without files": dangling_in_part,
    "files without row, half deleted": orphan_half_deleted,
    "marked": marked_only,
    "half deleted": half_deleted,
    "row alone": row_alone,
    "between two": unused_in_part,
}


def kill_in(world: World, state: Callable[[World], bool], chance: random.Random) -> bool:
    """Run a clean-up and kill it in this state; False if it ended before it was caught in it."""
    with world.command() as process:
        inside = psutil.Process(process.pid)
        while process.poll() is None and not world.is_connected(process.pid):
            time.sleep(0.01)
        while process.poll() is None:
            time.sleep(chance.uniform(0, 0.004))
            process.send_signal(signal.SIGSTOP)
            deadline = time.monotonic() + 5
            while process.poll() is None and inside.status() not in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}:
                assert time.monotonic() < deadline
            if process.poll() is None and state(world):
                process.kill()
                return True
            process.send_signal(signal.SIGCONT)
        assert process.returncode == 0, process.stderr.read().decode()
        return False


def survive(world: World, report: Callable[[str], None], states: list[str], pause_s: float) -> None:
    chance = random.Random(SEED)
    world.plant()
    outside = sorted(world.outside.rglob("*"))
    started = time.monotonic()
    with world.used(pause_s) as used:
        reached = [state for state in states if kill_in(world, STATES[state], chance)]
        with world.command() as last:
            answer, errors = last.communicate(timeout=600)
        assert last.returncode == 0, errors.decode()
    verify(world, used)
    assert sorted(world.outside.rglob("*")) == outside
    assert json.loads(answer)["stranger"]["paths"] == [f"m1/{10**7}", "m1/link"]
    kept = sum(path.endswith("/a") for path in world.rows())
    report(
        f"seed {SEED}: {world.models} models, {kept} of them used meanwhile and kept, killed in: {', '.join(reached)}; "
        f"{time.monotonic() - started:.1f} s"
    )
    assert reached == states


def verify(world: World, used: list[int]) -> None:
    """What was used is there and whole; rows and files agree; all else is gone."""
    rows = world.rows()
    kept = {row.id: row for row in world.session.execute(text("SELECT id, path, sha256 FROM user_models"))}
    assert set(used) <= set(kept), "a model that was used is gone"
    for row in kept.values():
        assert world.storage.read(row.path, row.sha256) == FILES
    folders = list(world.storage.list())
    assert {folder.path for folder in folders} == set(rows)
    assert all(folder.whole for folder in folders)
    assert set(rows.values()) == {"serving"}
    lately = "SELECT count(*) FROM user_models WHERE last_used_at < now() - interval '90 days'"
    assert world.session.scalar(text(lately)) == 0, "an unused model stayed"
    assert list(world.storage.unfinished(datetime.now(UTC) - timedelta(hours=1))) == []
    assert 0 < len(kept) < world.models


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print past pytest's capture: the seed is a result."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")

    return say


def test_killed_while_models_are_used_short(session, settings, tmp_path, report):
    survive(World(session, settings, tmp_path, 100), report, ["marked", "half deleted"], pause_s=0.2)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_while_models_are_used(session, settings, tmp_path, report):
    survive(World(session, settings, tmp_path, 1000), report, list(STATES), pause_s=0.1)
