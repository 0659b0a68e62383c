"""`musicspace recommend` as a process."""

import json
import subprocess
import sys

import pytest
from taste_library import PER_TASTE, add_library, add_user, with_storage

from core.user_models import ModelKind
from services.personal.training import train_user_model


@pytest.fixture
def run(server_environment, tmp_path):
    """Run the command in a process of its own."""
    environment = server_environment | {
        "MUSICSPACE_PERSONAL__STORAGE_URL": str(tmp_path / "models"),
    }

    def call(*arguments):
        command = [sys.executable, "-m", "cli.main", "recommend", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    return call


@pytest.fixture
def library(session, settings, tmp_path):
    """Three tastes; user 7 has half of the folk and a model of content."""
    tracks = add_library(session)
    add_user(session, 7, tracks["folk"][: PER_TASTE // 2])
    assert train_user_model(session, with_storage(settings, tmp_path / "models"), 7, ModelKind.M2)["swapped"]
    session.commit()
    return tracks


def test_a_table_tells_what_and_why_and_which_models_answered(run, library):
    shown = run(7, "--limit", 5)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("Folk Song") >= 5
    assert "M2 personal m2-" in shown.stdout
    assert "M1 fallback" in shown.stdout


def test_json_has_everything(run, library):
    found = run(7, "--model", "m2", "--limit", 4, "--json")
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert [*answer["models"]] == ["m2"]
    assert len(answer["tracks"]) == 4
    assert {track["track_id"] for track in answer["tracks"]} <= set(library["folk"][PER_TASTE // 2 :])
    assert all(track["reasons"] for track in answer["tracks"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((99,), "not-found"), ((7, "--model", "m4"), "invalid-option"), ((7, "--genre", "folkk"), "invalid-request")],
)
def test_mistakes_are_told_in_one_line(run, library, arguments, code):
    failed = run(*arguments)
    assert failed.returncode == 2
    assert f"[{code}]" in failed.stderr
    assert "Traceback" not in failed.stderr
