"""Models of users on the command line, with workers of the command's own."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text
from taste_library import add_library, add_user

USER = 7


@pytest.fixture
def run(server_environment):
    """Run `musicspace` in a process of its own, with models of this test's own."""
    environment = server_environment | {
        "MUSICSPACE_ENRICH__PREDICTOR": "m1",
    }

    def call(*arguments):
        command = [sys.executable, "-m", "cli.main", "users", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)

    return call


@pytest.fixture
def tracks(session):
    library = add_library(session)
    add_user(session, USER, library["folk"][:40])
    return library


def answer(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_models_are_trained_and_shown(run, tracks):
    job = answer(run("init-models", USER, "--wait", "--json"))
    assert (job["state"], job["kind"], job["created"]) == ("done", "init-models", True)
    models = answer(run("models", USER, "--json"))
    assert [(model["kind"], model["state"]) for model in models] == [("m1", "ready"), ("m2", "ready"), ("m3", "ready")]
    shown = run("models", USER).stdout
    assert models[1]["serving"]["version"][:8] in shown
    assert shown.count("ready") == 3


def test_one_model_is_trained_and_a_live_job_joined(run, session, tracks):
    first = answer(run("train", USER, "m2", "--json"))
    assert (first["kind"], first["state"], first["created"]) == ("train-model", "queued", True)
    assert "was live already" in run("train", USER, "m2").stdout
    assert "training" in run("models", USER).stdout
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 1


def test_mistakes_are_told_in_one_line(run, tracks):
    for arguments in (("init-models", 99), ("train", 99, "m1"), ("models", 99)):
        result = run(*arguments)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert "[not-found]: There is no user 99" in result.stderr
    assert run("train", USER, "m4").returncode == 2
    assert run("init-models", 0).returncode == 2
