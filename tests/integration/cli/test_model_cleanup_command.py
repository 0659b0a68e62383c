"""`musicspace models cleanup` and `rollback-user` in processes of their own."""

import json
import subprocess
import sys

import pytest
from planted_models import plant
from sqlalchemy import text

from core.user_models import ModelKind
from integrations.model_storage import ModelStorage
from models.recommenders.protocol import TrainedModel
from services.personal.life import store_version


@pytest.fixture
def root(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def run(server_environment, root):
    environment = server_environment | {
        "MUSICSPACE_PERSONAL__STORAGE_URL": str(root),
        "MUSICSPACE_PERSONAL__UNUSED_DAYS": "30",
    }

    def call(*arguments):
        command = [sys.executable, "-m", "cli.main", "models", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    return call


def test_what_would_go_and_what_goes(run, session, root):
    plant(session, root, "m1/1/a", unused_days=31)
    plant(session, root, "m1/2/a", unused_days=29)
    (root / "photo.jpg").write_bytes(b"dear")
    session.commit()
    dry = run("cleanup", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert "1 unused (100 bytes)" in dry.stdout
    assert "  photo.jpg\n" in dry.stdout
    assert "100 bytes would be freed; models unused for 30 days go." in dry.stdout
    assert session.scalar(text("SELECT count(*) FROM user_models WHERE state = 'serving'")) == 2
    done = json.loads(run("cleanup", "--unused-days", 20, "--json").stdout)
    assert (done["dry_run"], done["unused_days"], done["freed_bytes"]) == (False, 20, 200)
    assert done["unused"]["paths"] == ["m1/1/a", "m1/2/a"]
    session.rollback()
    assert session.scalar(text("SELECT count(*) FROM user_models")) == 0
    assert session.scalar(text("SELECT removed FROM model_usage_days WHERE kind = 'm1'")) == 2
    assert sorted(path.name for path in root.iterdir()) == ["m1", "photo.jpg"]


def test_mistakes_are_told_in_a_line(run, session, root):
    assert run("cleanup", "--unused-days", 0).returncode == 2
    plant(session, root, "m1/1/a", unused_days=31)
    session.commit()
    root.rename(root.parent / "away")
    unrelated = run("cleanup")
    assert unrelated.returncode == 3
    assert unrelated.stderr.startswith("Error [invalid-settings]: ")
    assert unrelated.stderr.count("\n") == 1
    root.write_text("no folder")
    away = run("cleanup", "--json")
    assert (away.returncode, away.stdout) == (4, "")
    assert away.stderr.startswith("Error [model-storage-unavailable]: ")
    assert session.scalar(text("SELECT count(*) FROM user_models WHERE state = 'serving'")) == 1


def test_a_user_goes_back_to_the_model_before(run, session, root):
    session.execute(text("INSERT INTO users (id) VALUES (1)"))
    storage = ModelStorage(str(root))
    missing = run("rollback-user", 1, "m1")
    assert (missing.returncode, missing.stderr[:23]) == (2, "Error [model-missing]: ")
    first, second = (
        store_version(session, storage, 1, TrainedModel(ModelKind.M1, "m1-1", {"x.npz": content}))
        for content in (b"1", b"2")
    )
    session.commit()
    assert json.loads(run("rollback-user", 1, "m1", "--json").stdout)["version"] == first.version
    assert run("rollback-user", 1, "m1").stdout == f"m1 {second.version} of user 1 serves again.\n"
    assert run("rollback-user", 1, "m4").returncode == 2
